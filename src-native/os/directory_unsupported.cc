// Systems without openat2: JavaScript finds its own way (lib/http/document-root.ts).
#include <errno.h>

#include "os/directory.h"

namespace zerocopy::os {

Result<Descriptor> OpenBeneath(int, const char*, Symlinks, Lookup) { return OsError{ENOSYS, "openat2"}; }

bool IsFileAtHand(const char*) { return false; }

Result<FileFacts> Describe(int) { return OsError{ENOSYS, "fstat"}; }

}  // namespace zerocopy::os
