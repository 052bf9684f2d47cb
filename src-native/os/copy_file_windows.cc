#include <errno.h>

#include "os/copy_file.h"

namespace zerocopy::os {

// Holes are copied as zeros.
Result<uint64_t> NextData(Place) { return OsError{ENOSYS, "FSCTL_QUERY_ALLOCATED_RANGES"}; }

Result<uint64_t> NextHole(Place) { return OsError{ENOSYS, "FSCTL_QUERY_ALLOCATED_RANGES"}; }

Result<size_t> SendRange(Place, Place, size_t) { return OsError{ENOSYS, "sendfile"}; }

}  // namespace zerocopy::os
