#include "region/handle_binding.h"

#include <memory>
#include <utility>

#include "environment.h"
#include "region/residents_binding.h"
#include "tagged_object_binding.h"

namespace zerocopy::region {
namespace {

const napi_type_tag kHandleTag = TagOf(0x8c1f5a64e0b74d29);

}  // namespace

napi_value MakeHandle(napi_env env, std::shared_ptr<Region> region) {
  auto handle = std::make_unique<Resident>(std::move(region));
  Resident* resident = handle.get();
  napi_value object = Wrap(env, std::move(handle), kHandleTag);
  if (object != nullptr) Environment::From(env)->residents->Add(resident, object);
  return object;
}

std::shared_ptr<Region> FromHandle(napi_env env, napi_value object) {
  auto* handle = Unwrap<Resident>(env, object, kHandleTag);
  return handle == nullptr ? nullptr : handle->region();
}

}  // namespace zerocopy::region
