#include <errno.h>
#include <linux/magic.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "os/file.h"
#include "os/send_file.h"

namespace zerocopy::os {
namespace {

constexpr int kNoWait = 0x8;  // RWF_NOWAIT, where the headers are older than the kernel
constexpr size_t kProbeStep =
    size_t{128} * 1024;  // the default readahead window: a page in it stands for its neighbours

// Straight to the kernel: not every libc has preadv2.
Result<size_t> ReadWithoutWaiting(int in, uint64_t offset, void* buffer, size_t count) {
  const iovec target = {buffer, count};
  constexpr int kHalf = 32;  // the kernel takes the offset in two halves, on 64-bit systems too
  const auto low = static_cast<unsigned long>(offset);
  const auto high = static_cast<unsigned long>(offset >> kHalf);
  for (;;) {
    const long got = syscall(SYS_preadv2, in, &target, 1, low, high, kNoWait);
    const int number = errno;
    if (got >= 0) return static_cast<size_t>(got);
    if (number != EINTR) return OsError{number, "preadv2"};
  }
}

// tmpfs and memfd refuse RWF_NOWAIT, and have no disk to wait for.
bool IsInMemoryFileSystem(int in) {
  struct statfs about = {};
  return fstatfs(in, &about) == 0 && (about.f_type == TMPFS_MAGIC || about.f_type == RAMFS_MAGIC);
}

}  // namespace

Result<size_t> SendFile(int out, int in, const uint64_t* offset, size_t count) {
  for (;;) {
    off_t from = offset == nullptr ? 0 : static_cast<off_t>(*offset);
    const ssize_t sent = sendfile(out, in, offset == nullptr ? nullptr : &from, count);
    if (sent >= 0) return static_cast<size_t>(sent);
    const int number = errno;
    if (number != EINTR) return OsError{number, "sendfile"};
  }
}

bool IsCached(int in, uint64_t offset, size_t length) {
  if (length == 0) return true;
  for (size_t at = 0;; at += kProbeStep) {
    const bool last = length - 1 <= at;
    char byte = 0;
    const auto got = ReadWithoutWaiting(in, offset + (last ? length - 1 : at), &byte, 1);
    if (got.error().number == EOPNOTSUPP) return IsInMemoryFileSystem(in);
    if (!got.ok() || got.value() != 1) return false;
    if (last) return true;
  }
}

Result<size_t> ReadCached(int in, uint64_t offset, void* buffer, size_t count) {
  const auto got = ReadWithoutWaiting(in, offset, buffer, count);
  if (got.error().number != EOPNOTSUPP) return got;
  if (!IsInMemoryFileSystem(in)) return OsError{EAGAIN, "preadv2"};
  return ReadAt(in, buffer, count, offset);
}

}  // namespace zerocopy::os
