// Linux: an open file opened once more, by its name in /proc.
#ifndef ZEROCOPY_OS_OPEN_AGAIN_LINUX_H_
#define ZEROCOPY_OS_OPEN_AGAIN_LINUX_H_

#include "os/descriptor.h"
#include "os/result.h"

namespace zerocopy::os {

// With a position and flags of its own; `access` is O_RDONLY or O_WRONLY. Calls on it do not wait where O_NONBLOCK
// means something. ENOENT: no /proc. ENXIO: a pipe that nobody reads.
Result<Descriptor> OpenAgain(int descriptor, int access);

}  // namespace zerocopy::os

#endif  // ZEROCOPY_OS_OPEN_AGAIN_LINUX_H_
