// macOS and FreeBSD: sendfile(2) sends to sockets only and reports a partial count beside EAGAIN and EINTR.
#include <errno.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include "os/send_file.h"

namespace zerocopy::os {
namespace {

// The two systems disagree on everything but the name; overloads choose by the type of the system's function.
using MacSendFile = int (*)(int, int, off_t, off_t*, struct sf_hdtr*, int);
using FreeBsdSendFile = int (*)(int, int, off_t, size_t, struct sf_hdtr*, off_t*, int);

[[maybe_unused]] int Call(MacSendFile send, int out, int in, off_t offset, size_t count, off_t* sent) {
  *sent = static_cast<off_t>(count);
  return send(in, out, offset, sent, nullptr, 0);
}

[[maybe_unused]] int Call(FreeBsdSendFile send, int out, int in, off_t offset, size_t count, off_t* sent) {
  return send(in, out, offset, count, nullptr, sent, 0);
}

}  // namespace

Result<size_t> SendFile(int out, int in, const uint64_t* offset, size_t count) {
  const off_t from = offset == nullptr ? lseek(in, 0, SEEK_CUR) : static_cast<off_t>(*offset);
  if (from < 0) return OsError{errno, "lseek"};
  if (count == 0) return size_t{0};  // here a count of 0 means "to the end"
  for (;;) {
    off_t sent = 0;
    const int status = Call(&sendfile, out, in, from, count, &sent);
    const int number = errno;
    if (status != 0 && sent == 0 && number == EINTR) continue;
    if (status != 0 && sent == 0) return OsError{number, "sendfile"};
    if (offset == nullptr) lseek(in, from + sent, SEEK_SET);
    return static_cast<size_t>(sent);
  }
}

// No such question on these systems; asynchronous transfers take the portable way there.
bool IsCached(int, uint64_t, size_t) { return false; }

Result<size_t> ReadCached(int, uint64_t, void*, size_t) { return OsError{EAGAIN, "read"}; }

}  // namespace zerocopy::os
