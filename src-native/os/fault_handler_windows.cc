#include "os/fault_handler.h"

namespace zerocopy::os {

// Windows: nothing is mapped yet, so nothing can fault.
void InstallFaultHandler(ReplaceFault) {}

}  // namespace zerocopy::os
