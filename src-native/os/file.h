// Open files: the interface; file_posix.cc and file_windows.cc fulfil it.
#ifndef ZEROCOPY_OS_FILE_H_
#define ZEROCOPY_OS_FILE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "os/byte_range.h"
#include "os/descriptor.h"
#include "os/result.h"

namespace zerocopy::os {

// A second number for the same open file, closed on exec: it stays what it is when the caller closes its own and that
// number is given to another file. EBADF, EMFILE (fcntl(2)).
Result<Descriptor> Duplicate(int descriptor);

// The length of the file, bytes (fstat(2)).
Result<uint64_t> SizeOf(int descriptor);

// The length of a file that can be mapped, bytes. EISDIR for a directory; ENODEV, which is what mmap(2) says of a pipe
// or socket, for whatever else is no regular file: nobody knows how long a device is.
Result<uint64_t> MappableLength(int descriptor);

// A file of memory without a name in any folder, `size` bytes of zeros (memfd_create(2)); ENOSYS where there is
// none. Sealed: it can never be cut shorter, so memory mapped over it cannot vanish. `name` shows in /proc.
Result<Descriptor> CreateMemoryFile(const char* name, uint64_t size, bool sealed);

// Which file it is: the same for every descriptor of it, whatever its names; as long as somebody has it open or mapped
// no other file has it (fstat(2)).
struct FileIdentity {
  uint64_t device = 0;
  uint64_t number = 0;
  bool operator==(const FileIdentity& other) const { return device == other.device && number == other.number; }
};
Result<FileIdentity> IdentityOf(int descriptor);

// Makes the file long enough for `range`, the range's blocks allocated: ENOSPC now rather than a fault later. Never
// shortens it. A file system that cannot allocate ahead is written zeros from the old end on. A failure leaves the
// file as long as it was.
Status Allocate(int descriptor, ByteRange range);

// Writes out what is dirty, then lets the page cache forget the file (posix_fadvise(2), POSIX_FADV_DONTNEED); pages
// that somebody has mapped, or that live in memory alone, stay. ENOSYS where there is no such call.
Status DropFromCache(int descriptor);

// Makes the file `size` bytes long, shorter or longer; what is new is a hole (ftruncate(2)).
Status SetLength(int descriptor, uint64_t size);

// At most `count` bytes, perhaps fewer; ReadAt answers 0 at the end of the file. The file's position stays
// (pread(2), pwrite(2)). EINTR is repeated inside.
Result<size_t> ReadAt(int descriptor, void* target, size_t count, uint64_t offset);
Result<size_t> WriteAt(int descriptor, const void* source, size_t count, uint64_t offset);

// WriteAt() of zeros.
inline Result<size_t> WriteZerosAt(int descriptor, uint64_t count, uint64_t offset) {
  static uint8_t zeros[1 << 16];  // not const: the binary would be as much longer
  return WriteAt(descriptor, zeros, static_cast<size_t>(std::min<uint64_t>(count, sizeof(zeros))), offset);
}

}  // namespace zerocopy::os

#endif  // ZEROCOPY_OS_FILE_H_
