// Systems on which files are copied by reading and writing.
#include <errno.h>

#include "os/copy_file.h"

namespace zerocopy::os {

Result<Descriptor> Reopen(int, Use) { return OsError{ENOSYS, "open"}; }

Status CloneRange(Place, Place, uint64_t) { return OsError{ENOSYS, "ioctl"}; }

Result<size_t> CopyRange(Place, Place, size_t) { return OsError{ENOSYS, "copy_file_range"}; }

Status PunchHole(int, ByteRange) { return OsError{ENOSYS, "fallocate"}; }

}  // namespace zerocopy::os
