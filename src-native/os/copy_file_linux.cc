#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/copy_file.h"
#include "os/open_again_linux.h"

namespace zerocopy::os {

Result<Descriptor> Reopen(int descriptor, Use use) {
  const int flags = fcntl(descriptor, F_GETFL);
  const int number = errno;
  if (flags < 0) return OsError{number, "fcntl"};
  const int mode = flags & O_ACCMODE;
  const bool writes = use == Use::kWrite;
  // What copy_file_range(2) says of them: a file opened for appending would take the bytes at its end.
  if (writes && (flags & O_APPEND) != 0) return OsError{EBADF, "copy_file_range"};
  if (mode != O_RDWR && mode != (writes ? O_WRONLY : O_RDONLY)) return OsError{EBADF, "copy_file_range"};
  auto opened = OpenAgain(descriptor, writes ? O_WRONLY : O_RDONLY);
  if (opened.error().number == EBADF) return OsError{EACCES, "open"};  // whatever the file system means by it
  return opened;
}

Status CloneRange(Place from, Place to, uint64_t length) {
  file_clone_range range = {};
  range.src_fd = from.file;
  range.src_offset = from.offset;
  range.src_length = length;
  range.dest_offset = to.offset;
  const int result = ioctl(to.file, FICLONERANGE, &range);
  const int number = errno;
  if (result != 0) return OsError{number, "ioctl"};
  return Nothing{};
}

// Straight to the kernel: not every libc has it, and an old one emulates it by reading and writing.
Result<size_t> CopyRange(Place from, Place to, size_t count) {
  for (;;) {
    auto in = static_cast<int64_t>(from.offset);
    auto out = static_cast<int64_t>(to.offset);
    const long copied = syscall(SYS_copy_file_range, from.file, &in, to.file, &out, count, 0U);
    const int number = errno;
    if (copied >= 0) return static_cast<size_t>(copied);
    if (number != EINTR) return OsError{number, "copy_file_range"};
  }
}

Status PunchHole(int file, ByteRange range) {
  for (;;) {
    const int result = fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(range.offset),
                                 static_cast<off_t>(range.length));
    const int number = errno;
    if (result == 0) return Nothing{};
    if (number != EINTR) return OsError{number, "fallocate"};
  }
}

}  // namespace zerocopy::os
