// Releases for Windows: the functions of Node-API, found by name in the program that loads us, whatever it is called.
// An import by the linker would name node.exe. A build by node-gyp has that import, and a hook of its own.
//
// The compiler calls an imported function through a pointer with `__imp_` before its name; here these are variables,
// filled in when the library is loaded. scripts/prebuilds.mjs writes the list of what the sources call.
#include "os/library.h"

// NOLINTBEGIN(bugprone-reserved-identifier, cert-dcl37-c, cert-dcl51-cpp): the names are the linker's
extern "C" {
#define NAME(name) void* __imp_##name = nullptr;
#include "node_api_names.h"
#undef NAME
}

namespace zerocopy::os {
namespace {

struct Import {
  const char* name;
  void** pointer;
};

const Import imports[] = {
#define NAME(name) {#name, &__imp_##name},
#include "node_api_names.h"
#undef NAME
};
// NOLINTEND(bugprone-reserved-identifier, cert-dcl37-c, cert-dcl51-cpp)

// In place of what an old program lacks.
int GenericFailure() { return 9; }  // napi_generic_failure

[[maybe_unused]] const bool bound = [] {
  for (const Import& import : imports) {
    void* function = FindInProgram(import.name);
    *import.pointer = function != nullptr ? function : reinterpret_cast<void*>(&GenericFailure);
  }
  return true;
}();

}  // namespace
}  // namespace zerocopy::os
