// Windows: not yet. Every call answers ENOSYS, which JavaScript sees as ERR_FEATURE_UNAVAILABLE_ON_PLATFORM.
#include <errno.h>

#include "os/file.h"

namespace zerocopy::os {

Result<int> Duplicate(int) { return OsError{ENOSYS, "DuplicateHandle"}; }

Status Close(int) { return OsError{ENOSYS, "CloseHandle"}; }

Result<uint64_t> SizeOf(int) { return OsError{ENOSYS, "GetFileSizeEx"}; }

Result<int> CreateMemoryFile(const char*, uint64_t, bool) { return OsError{ENOSYS, "CreateFileMapping"}; }

Status Allocate(int, ByteRange) { return OsError{ENOSYS, "SetEndOfFile"}; }

Status DropFromCache(int) { return OsError{ENOSYS, "posix_fadvise"}; }

}  // namespace zerocopy::os
