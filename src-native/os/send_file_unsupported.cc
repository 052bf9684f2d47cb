// Systems without sendfile(2).
#include <errno.h>

#include "os/send_file.h"

namespace zerocopy::os {

Result<size_t> SendFile(int, int, const uint64_t*, size_t) { return OsError{ENOSYS, "sendfile"}; }

bool IsCached(int, uint64_t, size_t) { return false; }

Result<size_t> ReadCached(int, uint64_t, void*, size_t) { return OsError{EAGAIN, "read"}; }

}  // namespace zerocopy::os
