#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/file.h"
#include "os/page.h"

namespace zerocopy::os {
namespace {

// For file systems without fallocate: zeros over the new part, so that a full disk shows now.
Status WriteZeros(int descriptor, uint64_t from, uint64_t size) {
  while (from < size) {
    const auto written = WriteZerosAt(descriptor, size - from, from);
    if (!written.ok()) return written.error();
    from += written.value();
  }
  return Nothing{};
}

Result<struct stat> FactsOf(int descriptor) {
  struct stat facts = {};
  const int result = fstat(descriptor, &facts);
  const int error = errno;
  if (result != 0) return OsError{error, "fstat"};
  return facts;
}

#ifdef __linux__
// EOPNOTSUPP when the file system cannot.
int AllocateBlocks(int descriptor, ByteRange range) {
  int result = 0;
  int error = 0;
  do {
    result = fallocate(descriptor, 0, static_cast<off_t>(range.offset), static_cast<off_t>(range.length));
    error = errno;
  } while (result != 0 && error == EINTR);
  return result == 0 ? 0 : error;
}
#elif defined(F_PREALLOCATE)
// macOS: fcntl(2) allocates beyond the end of the file, which stays where it is until it is moved.
int AllocateBlocks(int descriptor, ByteRange range) {
  const Result<uint64_t> size = SizeOf(descriptor);
  const uint64_t end = End(range);
  if (!size.ok() || end <= size.value()) return size.error().number;
  fstore_t request = {};
  request.fst_flags = F_ALLOCATEALL;
  request.fst_posmode = F_PEOFPOSMODE;
  request.fst_length = static_cast<off_t>(end - size.value());
  const int result = fcntl(descriptor, F_PREALLOCATE, &request);
  const int error = errno;
  if (result != 0) return error == ENOTSUP ? EOPNOTSUPP : error;
  return SetLength(descriptor, end).error().number;
}
#else
int AllocateBlocks(int, ByteRange) { return EOPNOTSUPP; }
#endif

}  // namespace

Result<Descriptor> Duplicate(int descriptor) {
  const int copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
  const int error = errno;
  if (copy < 0) return OsError{error, "fcntl"};
  return Descriptor(copy);
}

Status Close(int descriptor) {
  const int result = close(descriptor);
  const int error = errno;
  if (result != 0) return OsError{error, "close"};
  return Nothing{};
}

Result<uint64_t> SizeOf(int descriptor) {
  const auto facts = FactsOf(descriptor);
  if (!facts.ok()) return facts.error();
  return static_cast<uint64_t>(facts.value().st_size);
}

Result<uint64_t> MappableLength(int descriptor) {
  const auto facts = FactsOf(descriptor);
  if (!facts.ok()) return facts.error();
  const auto mode = facts.value().st_mode;
  if (S_ISDIR(mode)) return OsError{EISDIR, "mmap"};
  if (!S_ISREG(mode)) return OsError{ENODEV, "mmap"};
  return static_cast<uint64_t>(facts.value().st_size);
}

Result<FileIdentity> IdentityOf(int descriptor) {
  const auto facts = FactsOf(descriptor);
  if (!facts.ok()) return facts.error();
  return FileIdentity{static_cast<uint64_t>(facts.value().st_dev), static_cast<uint64_t>(facts.value().st_ino)};
}

Status SetLength(int descriptor, uint64_t size) {
  const int result = ftruncate(descriptor, static_cast<off_t>(size));
  const int error = errno;
  if (result != 0) return OsError{error, "ftruncate"};
  return Nothing{};
}

Result<size_t> ReadAt(int descriptor, void* target, size_t count, uint64_t offset) {
  for (;;) {
    const ssize_t got = pread(descriptor, target, count, static_cast<off_t>(offset));
    const int error = errno;
    if (got >= 0) return static_cast<size_t>(got);
    if (error != EINTR) return OsError{error, "pread"};
  }
}

Result<size_t> WriteAt(int descriptor, const void* source, size_t count, uint64_t offset) {
  for (;;) {
    const ssize_t written = pwrite(descriptor, source, count, static_cast<off_t>(offset));
    const int error = errno;
    if (written >= 0) return static_cast<size_t>(written);
    if (error != EINTR) return OsError{error, "pwrite"};
  }
}

#ifdef MFD_CLOEXEC
Result<Descriptor> CreateMemoryFile(const char* name, uint64_t size, bool sealed) {
  const int created = memfd_create(name, MFD_CLOEXEC | (sealed ? MFD_ALLOW_SEALING : 0U));
  const int create_error = errno;
  if (created < 0) return OsError{create_error, "memfd_create"};
  Descriptor file(created);
  const Status extended = SetLength(created, size);
  if (!extended.ok()) return extended.error();
  const int result = sealed ? fcntl(created, F_ADD_SEALS, F_SEAL_SHRINK) : 0;
  const int seal_error = errno;
  if (result != 0) return OsError{seal_error, "fcntl"};
  return file;
}
#else
Result<Descriptor> CreateMemoryFile(const char*, uint64_t, bool) { return OsError{ENOSYS, "memfd_create"}; }
#endif

#ifdef POSIX_FADV_DONTNEED
Status DropFromCache(int descriptor) {
  // Dirty pages would stay. What cannot be synced (EINVAL) has none.
  const int synced = fsync(descriptor);
  const int sync_error = errno;
  if (synced != 0 && sync_error != EINVAL && sync_error != EROFS) return OsError{sync_error, "fsync"};
  const int number = posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED);  // answers the errno itself
  if (number != 0) return OsError{number, "posix_fadvise"};
  return Nothing{};
}
#else
Status DropFromCache(int) { return OsError{ENOSYS, "posix_fadvise"}; }
#endif

Status Allocate(int descriptor, ByteRange range) {
  const Result<uint64_t> old_size = SizeOf(descriptor);
  if (!old_size.ok()) return old_size.error();
  if (range.length == 0) return Nothing{};
  if (!Fits(range, kMaxLength)) return OsError{EFBIG, "fallocate"};
  const int error = AllocateBlocks(descriptor, range);
  if (error == 0) return Nothing{};
  Status failed = OsError{error, "fallocate"};
  if (error == EOPNOTSUPP) failed = WriteZeros(descriptor, old_size.value(), End(range));
  // Both may have grown the file on the way.
  if (!failed.ok() && old_size.value() < End(range)) (void)SetLength(descriptor, old_size.value());
  return failed;
}

}  // namespace zerocopy::os
