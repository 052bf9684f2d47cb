#include "descriptor_binding.h"

#include <utility>

#include "environment.h"
#include "node_values.h"
#include "os/file.h"

namespace zerocopy {

napi_value HandOver(napi_env env, os::Descriptor descriptor) {
  Environment* environment = Environment::From(env);
  if (environment == nullptr) return ThrowMisuse(env, "the environment is ending");
  return MakeNumber(env, environment->descriptors.Add(std::move(descriptor)));
}

namespace {

// duplicateDescriptor(fd): a number of its own for the same open file.
napi_value DuplicateDescriptor(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  int fd = -1;
  if (!arguments.Descriptor(0, &fd)) return ThrowMisuse(env, "duplicateDescriptor(fd)");
  auto copy = os::Duplicate(fd);
  return copy.ok() ? HandOver(env, std::move(copy.value())) : MakeFailure(env, copy.error());
}

// closeDescriptor(fd): one that was handed over.
napi_value CloseDescriptor(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  Environment* environment = Environment::From(env);
  int fd = -1;
  if (!arguments.Descriptor(0, &fd) || environment == nullptr) return ThrowMisuse(env, "closeDescriptor(fd)");
  return NothingOrFailure(env, environment->descriptors.Close(fd));
}

}  // namespace

void RegisterDescriptors(napi_env env, napi_value exports) {
  Export(env, exports, "duplicateDescriptor", DuplicateDescriptor);
  Export(env, exports, "closeDescriptor", CloseDescriptor);
}

}  // namespace zerocopy
