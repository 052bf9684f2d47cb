#include <windows.h>

#include "os/pin_library.h"

namespace zerocopy::os {

void PinThisLibrary() {
  HMODULE self = nullptr;
  GetModuleHandleExA(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN,
                     reinterpret_cast<LPCSTR>(&PinThisLibrary), &self);
}

}  // namespace zerocopy::os
