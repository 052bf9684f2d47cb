// Files below a directory, and what they are: directory_linux.cc and directory_unsupported.cc fulfil it.
#ifndef ZEROCOPY_OS_DIRECTORY_H_
#define ZEROCOPY_OS_DIRECTORY_H_

#include <cstdint>

#include "os/descriptor.h"
#include "os/result.h"

namespace zerocopy::os {

// Where symbolic links may lead. By number in lib/native.ts.
enum class Symlinks : uint8_t { kWithin = 0, kFollow = 1, kDeny = 2 };

// Where names may be looked up.
enum class Lookup : uint8_t { kOnDisk, kCachedOnly };

// Opens `path` for reading, seen from the directory `root`; waits neither for a FIFO's writer nor for a terminal.
// kWithin and kDeny: the kernel itself refuses what is not beneath `root`, whoever swaps directories and links
// meanwhile (openat2(2), RESOLVE_BENEATH): EXDEV when it leads out, ELOOP when a link is in the way of kDeny.
// kCachedOnly: EAGAIN when the disk would have to be asked (RESOLVE_CACHED), or when the kernel cannot tell.
// ENOSYS where there is no openat2.
Result<Descriptor> OpenBeneath(int root, const char* path, Symlinks symlinks, Lookup lookup);

// Whether `path` leads to a regular file that can be opened without asking a disk, a server or another process. The
// file itself is not opened: that would be noticed by the writer of a FIFO, or by a device. False where the system
// cannot say.
bool IsFileAtHand(const char* path);

// What fstat(2) says of an open file. `mode` has the type, as S_IFMT has it.
struct FileFacts {
  uint64_t size = 0;  // bytes
  int64_t modified_seconds = 0;
  uint32_t modified_nanoseconds = 0;
  int64_t changed_seconds = 0;
  uint32_t changed_nanoseconds = 0;
  uint64_t device = 0;
  uint64_t inode = 0;
  uint32_t mode = 0;
};
Result<FileFacts> Describe(int descriptor);

}  // namespace zerocopy::os

#endif  // ZEROCOPY_OS_DIRECTORY_H_
