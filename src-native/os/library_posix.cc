#include <dlfcn.h>

#include "os/library.h"

namespace zerocopy::os {

void PinThisLibrary() {
  Dl_info self{};
  if (dladdr(reinterpret_cast<void*>(&PinThisLibrary), &self) == 0) return;
  // The reference is kept on purpose: it is what pins the library.
  (void)dlopen(self.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
}

void* FindInProgram(const char* name) { return dlsym(RTLD_DEFAULT, name); }

}  // namespace zerocopy::os
