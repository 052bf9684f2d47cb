#include "region/handle_binding.h"

#include <memory>
#include <utility>

#include "environment.h"
#include "node_values.h"
#include "region/residents_binding.h"

namespace zerocopy::region {
namespace {

// Drawn once: no other addon, and no other build of this one, has the same.
constexpr napi_type_tag kHandleTag = {0x8c1f5a64e0b74d29, 0xa3d95b7e21c6f810};

void Finalized(napi_env, void* handle, void*) { delete static_cast<Resident*>(handle); }

}  // namespace

napi_value MakeHandle(napi_env env, std::shared_ptr<Region> region) {
  napi_value object = nullptr;
  auto handle = std::make_unique<Resident>(std::move(region));
  const bool made = napi_create_object(env, &object) == napi_ok &&
                    napi_type_tag_object(env, object, &kHandleTag) == napi_ok &&
                    napi_wrap(env, object, handle.get(), Finalized, nullptr, nullptr) == napi_ok;
  if (!made) return nullptr;
  Environment::From(env)->residents->Add(handle.release(), object);
  return object;
}

std::shared_ptr<Region> FromHandle(napi_env env, napi_value object) {
  auto* handle = Unwrap<Resident>(env, object, kHandleTag);
  return handle == nullptr ? nullptr : handle->region();
}

}  // namespace zerocopy::region
