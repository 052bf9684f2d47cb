// Windows: not yet. Every call answers ENOSYS, which JavaScript sees as ERR_FEATURE_UNAVAILABLE_ON_PLATFORM.
#include <errno.h>

#include "os/memory_map.h"
#include "os/page.h"

namespace zerocopy::os {

// dwAllocationGranularity of every Windows there is.
uint64_t MapGranularity() { return 65536; }

Result<void*> MapFile(int, ByteRange, Access, bool) { return OsError{ENOSYS, "MapViewOfFile"}; }

Status Unmap(void*, uint64_t) { return OsError{ENOSYS, "UnmapViewOfFile"}; }

// No limit to speak of.
int64_t MapLimit() { return INT64_MAX / 16; }
int64_t CountMaps() { return 0; }

Status ReplaceWithZeros(void*, uint64_t) { return OsError{ENOSYS, "VirtualAlloc"}; }

Status Flush(void*, uint64_t) { return OsError{ENOSYS, "FlushViewOfFile"}; }

Status Residency(void*, uint64_t, uint8_t*) { return OsError{ENOSYS, "QueryWorkingSetEx"}; }

Status Lock(void*, uint64_t) { return OsError{ENOSYS, "VirtualLock"}; }

Status Unlock(void*, uint64_t) { return OsError{ENOSYS, "VirtualUnlock"}; }

uint64_t LockLimit() { return UINT64_MAX; }

Status Populate(void*, uint64_t) { return OsError{ENOSYS, "PrefetchVirtualMemory"}; }

Status Advise(void*, uint64_t, Advice) { return OsError{ENOSYS, "PrefetchVirtualMemory"}; }

}  // namespace zerocopy::os
