// Systems without sendfile(2).
#include <errno.h>

#include "os/send_file.h"

namespace zerocopy::os {

Result<size_t> SendFile(int, int, const uint64_t*, size_t) { return OsError{ENOSYS, "sendfile"}; }

bool IsCached(int, uint64_t, size_t) { return false; }

}  // namespace zerocopy::os
