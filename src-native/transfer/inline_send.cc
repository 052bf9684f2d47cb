#include "transfer/inline_send.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include "os/output.h"
#include "os/send_file.h"
#include "transfer/pump.h"

namespace zerocopy::transfer {
namespace {

// Up to here a copy of the bytes costs less than telling the kernel of head and file one after the other.
constexpr size_t kCopyLimit = size_t{32} * 1024;

size_t ValueOrZero(const os::Result<size_t>& sent) { return sent.ok() ? sent.value() : 0; }

// One buffer, one call.
size_t SendCopied(int socket, Head head, int in, uint64_t offset, size_t count) {
  const std::unique_ptr<uint8_t[]> buffer(new uint8_t[head.length + count]);  // make_unique would write zeros first
  if (head.length > 0) memcpy(buffer.get(), head.data, head.length);
  const auto got = os::ReadCached(in, offset, buffer.get() + head.length, count);
  if (!got.ok() || got.value() != count) return 0;
  return ValueOrZero(os::SendNow(socket, buffer.get(), head.length + count, os::Follows::kNothing));
}

}  // namespace

size_t SendInline(int socket, Head head, int in, uint64_t offset, uint64_t length) {
  const auto count = static_cast<size_t>(std::min<uint64_t>(length, kTurn));
  if (count <= kCopyLimit) return SendCopied(socket, head, in, offset, count);
  if (!os::IsCached(in, offset, count)) return 0;
  if (head.length > 0) {
    const size_t sent = ValueOrZero(os::SendNow(socket, head.data, head.length, os::Follows::kMore));
    if (sent < head.length) return sent;
  }
  return head.length + ValueOrZero(os::SendFile(socket, in, &offset, count));
}

}  // namespace zerocopy::transfer
