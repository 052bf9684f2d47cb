// Objects of ours in JavaScript's hands: each keeps one native value, and a tag that no other load of an addon has.
#ifndef ZEROCOPY_TAGGED_OBJECT_BINDING_H_
#define ZEROCOPY_TAGGED_OBJECT_BINDING_H_

#include <node_api.h>

#include <cstdint>
#include <memory>

namespace zerocopy {

inline const char this_load = 0;

// `kind`, a number drawn once for each, and the load of the addon: another copy in the process, of whatever version,
// has other tags, for it may lay out its objects otherwise. Workers share a load.
inline napi_type_tag TagOf(uint64_t kind) { return {kind, reinterpret_cast<uintptr_t>(&this_load)}; }

// Wraps `value` in a new object; it is deleted when JavaScript has collected that, or with the environment. Nullptr,
// with an exception pending, when the environment is ending.
template <typename T>
napi_value Wrap(napi_env env, std::unique_ptr<T> value, const napi_type_tag& tag) {
  napi_value object = nullptr;
  const auto finalize = [](napi_env, void* data, void*) { delete static_cast<T*>(data); };
  const bool made = napi_create_object(env, &object) == napi_ok && napi_type_tag_object(env, object, &tag) == napi_ok &&
                    napi_wrap(env, object, value.get(), finalize, nullptr, nullptr) == napi_ok;
  if (!made) return nullptr;
  (void)value.release();
  return object;
}

// What an object wraps; nullptr for anything that has another tag or none.
template <typename T>
T* Unwrap(napi_env env, napi_value object, const napi_type_tag& tag) {
  bool ours = false;
  void* data = nullptr;
  if (napi_check_object_type_tag(env, object, &tag, &ours) != napi_ok || !ours) return nullptr;
  if (napi_unwrap(env, object, &data) != napi_ok) return nullptr;
  return static_cast<T*>(data);
}

}  // namespace zerocopy

#endif  // ZEROCOPY_TAGGED_OBJECT_BINDING_H_
