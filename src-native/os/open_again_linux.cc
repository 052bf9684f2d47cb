#include "os/open_again_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

namespace zerocopy::os {

Result<Descriptor> OpenAgain(int descriptor, int access) {
  char path[sizeof "/proc/self/fd/2147483647"];
  (void)snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
  const int opened = open(path, access | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  const int number = errno;
  if (opened < 0) return OsError{number, "open"};
  return Descriptor(opened);
}

}  // namespace zerocopy::os
