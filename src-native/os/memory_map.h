// Mapping memory: the interface; memory_map_posix.cc and memory_map_windows.cc fulfil it. Addresses, offsets
// and lengths are in bytes and whole pages (page.h). Every failure is an errno with the call's name.
#ifndef ZEROCOPY_OS_MEMORY_MAP_H_
#define ZEROCOPY_OS_MEMORY_MAP_H_

#include <cstdint>

#include "os/byte_range.h"
#include "os/result.h"

namespace zerocopy::os {

// The numbers are those of ACCESS in lib/native.ts.
enum class Access : uint8_t {
  kRead = 0,   // private pages, so that a stray write can neither crash the process nor reach the file
  kWrite = 1,  // shared pages: writes reach the file
  kCopy = 2,   // private pages that may be written
};

// The numbers are those of ADVICE in lib/native.ts.
enum class Advice : uint8_t {
  kNormal = 0,
  kSequential = 1,
  kRandom = 2,
  kWillNeed = 3,
  kDontNeed = 4,
  kHugePage = 5,
  kNoHugePage = 6,
  kCold = 7,
  kPageOut = 8,
  kFree = 9,
};
constexpr uint64_t kAdviceCount = 10;

// ENODEV: the file cannot be mapped. EACCES: the descriptor was opened without the access asked for. ENOMEM: the
// address space or the number of maps is used up (mmap(2)).
Result<void*> MapFile(int descriptor, ByteRange pages, Access access);

Status Unmap(void* address, uint64_t length);

// How many maps the kernel gives a process (vm.max_map_count on Linux).
int64_t MapLimit();

// How many it has, counted; 0 where the kernel does not tell. Milliseconds, when there are many.
int64_t CountMaps();

// Puts private zero pages, readable and writable, where the range is. Safe in a signal handler. ENOSYS: they cannot be
// put there without a moment in which there is nothing. On Windows they must be looked at once (MakeAccessible).
Status ReplaceWithZeros(void* address, uint64_t length);

// What ReplaceWithZeros() takes where only `part` of the pages of `whole`, one mapping, should go: Windows has to take
// all of them.
ByteRange LostWith(ByteRange part, ByteRange whole);

// Of pages that were mapped or replaced with zeros here: true when nothing was wrong with them but that the system had
// not made them readable and writable yet. Safe in a signal handler.
bool MakeAccessible(void* address, uint64_t length);

// Waits until the pages are on the disk (msync(2), MS_SYNC); `descriptor` is of the file, opened for writing, or -1.
// EIO: they could not be written.
Status Flush(void* address, uint64_t length, int descriptor);

// Reads the pages in and waits until they are there (madvise(2), MADV_POPULATE_READ), on a kernel before Linux 5.14
// only asks for it. Unlike MAP_POPULATE it makes no copies of private pages. EFAULT: some cannot be read, where looking
// at them would be SIGBUS.
Status Populate(void* address, uint64_t length);

// One byte for each page, 1 where it is in memory, else 0 (mincore(2)). Linux says 1 of every page of a file that this
// process neither owns nor may write, so that nobody learns what others read.
Status Residency(void* address, uint64_t length, uint8_t* pages);

// Keeps the pages in memory from when they come there on (mlock2(2), MLOCK_ONFAULT; elsewhere mlock(2), which brings
// them in). Plain mlock(2) would write to private pages, and so copy all of them. ENOMEM, EPERM: RLIMIT_MEMLOCK.
Status Lock(void* address, uint64_t length);
Status Unlock(void* address, uint64_t length);

// RLIMIT_MEMLOCK, bytes; UINT64_MAX for none.
uint64_t LockLimit();

// EINVAL: this kernel knows no such advice (madvise(2)). ENOSYS: this system has none like it.
Status Advise(void* address, uint64_t length, Advice advice);

}  // namespace zerocopy::os

#endif  // ZEROCOPY_OS_MEMORY_MAP_H_
