// Windows: not yet. Every call answers ENOSYS, which JavaScript sees as ERR_FEATURE_UNAVAILABLE_ON_PLATFORM.
#include <errno.h>

#include "os/copy_file.h"
#include "os/file.h"

namespace zerocopy::os {

Result<int> Duplicate(int) { return OsError{ENOSYS, "DuplicateHandle"}; }

Status Close(int) { return OsError{ENOSYS, "CloseHandle"}; }

Result<uint64_t> SizeOf(int) { return OsError{ENOSYS, "GetFileSizeEx"}; }

Result<int> CreateMemoryFile(const char*, uint64_t, bool) { return OsError{ENOSYS, "CreateFileMapping"}; }

Status Allocate(int, ByteRange) { return OsError{ENOSYS, "SetEndOfFile"}; }

Status DropFromCache(int) { return OsError{ENOSYS, "posix_fadvise"}; }

Status SetLength(int, uint64_t) { return OsError{ENOSYS, "SetEndOfFile"}; }

Result<size_t> ReadAt(int, uint8_t*, size_t, uint64_t) { return OsError{ENOSYS, "ReadFile"}; }

Result<size_t> WriteAt(int, const uint8_t*, size_t, uint64_t) { return OsError{ENOSYS, "WriteFile"}; }

Result<bool> IsSameFile(int, int) { return OsError{ENOSYS, "GetFileInformationByHandle"}; }

Result<uint64_t> NextData(Place) { return OsError{ENOSYS, "FSCTL_QUERY_ALLOCATED_RANGES"}; }

Result<uint64_t> NextHole(Place) { return OsError{ENOSYS, "FSCTL_QUERY_ALLOCATED_RANGES"}; }

Result<size_t> SendRange(Place, Place, size_t) { return OsError{ENOSYS, "sendfile"}; }

}  // namespace zerocopy::os
