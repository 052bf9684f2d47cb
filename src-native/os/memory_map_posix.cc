#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#ifdef MLOCK_ONFAULT
#include <sys/syscall.h>
#endif

#include <algorithm>

#include "os/memory_map.h"
#include "os/page.h"

namespace zerocopy::os {
namespace {

// What a system lacks is an advice that is not there; no function below asks which system it is.
constexpr int kUnsupported = -1;

// What mincore(2) fills in is a char here and an unsigned char there.
#ifdef __linux__
using ResidencyByte = unsigned char;
#else
using ResidencyByte = char;
#endif

#ifdef MLOCK_ONFAULT
int LockPages(void* address, uint64_t length) { return mlock2(address, length, MLOCK_ONFAULT); }
// Not the library's munlock(): under sanitizers that does nothing, and mlock2() does.
int UnlockPages(void* address, uint64_t length) { return static_cast<int>(syscall(SYS_munlock, address, length)); }
#else
int LockPages(void* address, uint64_t length) { return mlock(address, length); }
int UnlockPages(void* address, uint64_t length) { return munlock(address, length); }
#endif

#ifdef __linux__
constexpr int kHugePage = MADV_HUGEPAGE;
constexpr int kNoHugePage = MADV_NOHUGEPAGE;
constexpr int kCold = 20;     // MADV_COLD, Linux 5.4; older C library headers have no name for it
constexpr int kPageOut = 21;  // MADV_PAGEOUT, Linux 5.4
#else
constexpr int kHugePage = kUnsupported;
constexpr int kNoHugePage = kUnsupported;
constexpr int kCold = kUnsupported;
constexpr int kPageOut = kUnsupported;
#endif

constexpr int kPopulateRead = 22;  // MADV_POPULATE_READ, Linux 5.14; EINVAL elsewhere

constexpr int kAdvice[kAdviceCount] = {
    MADV_NORMAL, MADV_SEQUENTIAL, MADV_RANDOM, MADV_WILLNEED, MADV_DONTNEED,
    kHugePage,   kNoHugePage,     kCold,       kPageOut,      MADV_FREE,
};

// Asked when the library is loaded: the fault handler may not call sysconf (signal-safety(7)).
const auto page_size = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));

// What Linux has when nobody changed it; systems without such a limit run out of other things first.
constexpr int64_t kUsualMapLimit = 65530;

#ifdef F_FULLFSYNC
// msync(2) of macOS leaves the bytes in the drive's own cache, which forgets them without power (fcntl(2)). Network
// file systems know no such thing.
Status FlushDrive(int descriptor) {
  if (descriptor < 0 || fcntl(descriptor, F_FULLFSYNC) == 0) return Nothing{};
  const int result = fsync(descriptor);
  const int error = errno;
  if (result != 0) return OsError{error, "fsync"};
  return Nothing{};
}
#else
Status FlushDrive(int) { return Nothing{}; }
#endif

int64_t ReadMapLimit() {
  const int descriptor = open("/proc/sys/vm/max_map_count", O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return kUsualMapLimit;
  char text[32] = {};
  const ssize_t length = read(descriptor, text, sizeof(text) - 1);
  (void)close(descriptor);
  const int64_t limit = length > 0 ? strtoll(text, nullptr, 10) : 0;
  return limit > 0 ? limit : kUsualMapLimit;
}

// Read-only regions are private and writable: PROT_READ would make a stray write through a raw array SIGSEGV.
// Without MAP_NORESERVE the kernel refuses private writable maps larger than memory and swap.
int FlagsOf(Access access) { return access == Access::kWrite ? MAP_SHARED : MAP_PRIVATE | MAP_NORESERVE; }

}  // namespace

uint64_t PageSize() { return page_size; }

uint64_t MapGranularity() { return page_size; }

int64_t MapLimit() {
  static const int64_t limit = ReadMapLimit();
  return limit;
}

int64_t CountMaps() {
  const int descriptor = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return 0;
  int64_t lines = 0;
  char text[4096];
  for (ssize_t length = 0; (length = read(descriptor, text, sizeof(text))) > 0;)
    lines += std::count(text, text + length, '\n');
  (void)close(descriptor);
  return lines;
}

Result<void*> MapFile(int descriptor, ByteRange pages, Access access) {
  const auto offset = static_cast<off_t>(pages.offset);
  void* address = mmap(nullptr, pages.length, PROT_READ | PROT_WRITE, FlagsOf(access), descriptor, offset);
  const int error = errno;
  if (address == MAP_FAILED) return OsError{error, "mmap"};
  return address;
}

Status Unmap(void* address, uint64_t length) {
  const int result = munmap(address, length);
  const int error = errno;
  if (result != 0) return OsError{error, "munmap"};
  return Nothing{};
}

Status ReplaceWithZeros(void* address, uint64_t length) {
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE;
  const void* replaced = mmap(address, length, PROT_READ | PROT_WRITE, flags, -1, 0);
  const int error = errno;
  if (replaced == MAP_FAILED) return OsError{error, "mmap"};
  return Nothing{};
}

ByteRange LostWith(ByteRange part, ByteRange) { return part; }

bool MakeAccessible(void*, uint64_t) { return false; }

Status Flush(void* address, uint64_t length, int descriptor) {
  const int result = msync(address, length, MS_SYNC);
  const int error = errno;
  if (result != 0) return OsError{error, "msync"};
  return FlushDrive(descriptor);
}

Status Advise(void* address, uint64_t length, Advice advice) {
  const int number = kAdvice[static_cast<uint8_t>(advice)];
  if (number == kUnsupported) return OsError{ENOSYS, "madvise"};
  const int result = madvise(address, length, number);
  const int error = errno;
  if (result != 0) return OsError{error, "madvise"};
  return Nothing{};
}

Status Populate(void* address, uint64_t length) {
  int result = 0;
  int error = 0;
  do {
    result = madvise(address, length, kPopulateRead);
    error = errno;
  } while (result != 0 && (error == EINTR || error == EAGAIN));
  if (result != 0 && error == EINVAL) return Advise(address, length, Advice::kWillNeed);
  if (result != 0) return OsError{error, "madvise"};
  return Nothing{};
}

Status Residency(void* address, uint64_t length, uint8_t* pages) {
  int result = 0;
  int error = 0;
  do {
    result = mincore(address, length, reinterpret_cast<ResidencyByte*>(pages));
    error = errno;
  } while (result != 0 && error == EAGAIN);
  if (result != 0) return OsError{error, "mincore"};
  for (uint64_t page = 0; page < (length + page_size - 1) / page_size; page++)
    pages[page] &= 1;  // the rest is reserved
  return Nothing{};
}

Status Lock(void* address, uint64_t length) {
  const int result = LockPages(address, length);
  const int error = errno;
  if (result != 0) return OsError{error, "mlock"};
  return Nothing{};
}

Status Unlock(void* address, uint64_t length) {
  const int result = UnlockPages(address, length);
  const int error = errno;
  if (result != 0) return OsError{error, "munlock"};
  return Nothing{};
}

uint64_t LockLimit() {
  struct rlimit limit{};
  if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return UINT64_MAX;
  return limit.rlim_cur;
}

}  // namespace zerocopy::os
