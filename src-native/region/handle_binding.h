// A *handle* is how JavaScript names a Region: a tagged object that keeps a reference to it. It ends when JavaScript
// collects the object, or with the environment.
#ifndef ZEROCOPY_REGION_HANDLE_BINDING_H_
#define ZEROCOPY_REGION_HANDLE_BINDING_H_

#include <node_api.h>

#include <memory>

#include "region/region.h"

namespace zerocopy::region {

// Nullptr, with an exception pending, when the environment is ending.
napi_value MakeHandle(napi_env env, std::shared_ptr<Region> region);

// A reference, not a hold; nullptr for anything that is no handle.
std::shared_ptr<Region> FromHandle(napi_env env, napi_value object);

// The object or native struct behind a tagged object; nullptr for anything that has another tag or none.
template <typename T>
T* Unwrap(napi_env env, napi_value object, const napi_type_tag& tag) {
  bool ours = false;
  void* data = nullptr;
  if (napi_check_object_type_tag(env, object, &tag, &ours) != napi_ok || !ours) return nullptr;
  if (napi_unwrap(env, object, &data) != napi_ok) return nullptr;
  return static_cast<T*>(data);
}

}  // namespace zerocopy::region

#endif  // ZEROCOPY_REGION_HANDLE_BINDING_H_
