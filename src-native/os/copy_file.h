// From file to file, in the kernel where it can: the interface. copy_file_posix.cc and copy_file_windows.cc fulfil what
// every POSIX system has, copy_file_linux.cc and copy_file_unsupported.cc the rest. What a system has no call for
// answers ENOSYS.
#ifndef ZEROCOPY_OS_COPY_FILE_H_
#define ZEROCOPY_OS_COPY_FILE_H_

#include <cstddef>
#include <cstdint>

#include "os/byte_range.h"
#include "os/descriptor.h"
#include "os/result.h"

namespace zerocopy::os {

// A byte in an open file.
struct Place {
  int file = -1;
  uint64_t offset = 0;
};

// The same file opened once more, for reading or for writing: a descriptor with a position of its own, which may be
// moved without anybody noticing. EBADF where `descriptor` itself does not allow that use, or always appends; EACCES,
// ENOENT (no /proc), ENOSYS where it cannot be opened again.
enum class Use : uint8_t { kRead, kWrite };
Result<Descriptor> Reopen(int descriptor, Use use);

// Lets the target have the same blocks on the disk: all of `length` or nothing. EOPNOTSUPP, EXDEV, EINVAL, ENOTTY
// where the file system cannot (ioctl_ficlonerange(2)).
Status CloneRange(Place from, Place to, uint64_t length);

// At most `count` bytes, perhaps fewer; 0 at the end of the file. EXDEV, EINVAL, EOPNOTSUPP, ENOSYS where the file
// systems cannot (copy_file_range(2)).
Result<size_t> CopyRange(Place from, Place to, size_t count);

// As CopyRange, with sendfile(2); moves the position of the target.
Result<size_t> SendRange(Place from, Place to, size_t count);

// The first byte at or after `from` that is in no hole, and the first that is; the end of the file counts as a hole.
// ENXIO: none before the end of the file. EINVAL where the file system does not tell. Both move the file's position.
Result<uint64_t> NextData(Place from);
Result<uint64_t> NextHole(Place from);

// A hole in place of what is there; the length stays (fallocate(2)). EOPNOTSUPP, ENOSYS.
Status PunchHole(int file, ByteRange range);

}  // namespace zerocopy::os

#endif  // ZEROCOPY_OS_COPY_FILE_H_
