// Reading JavaScript arguments and making JavaScript values: the only native file that creates errors.
// TypeScript has validated everything already; these checks only keep a lying caller from corrupting
// memory, so their message need not be kind.
#ifndef ZEROCOPY_NODE_VALUES_H_
#define ZEROCOPY_NODE_VALUES_H_

#include <node_api.h>

#include <cstddef>
#include <cstdint>

#include "os/byte_range.h"
#include "os/result.h"

namespace zerocopy {

// Throws (leaves an exception pending) and answers the nullptr that the callback then returns.
inline napi_value ThrowMisuse(napi_env env, const char* what) {
  napi_throw_type_error(env, "ERR_INTERNAL_MISUSE", what);
  return nullptr;
}

inline napi_value MakeNumber(napi_env env, double number) {
  napi_value value = nullptr;
  napi_create_double(env, number, &value);
  return value;
}

// Exact up to 2^53, which TypeScript's checks guarantee for every length and offset.
inline napi_value MakeSize(napi_env env, uint64_t size) { return MakeNumber(env, static_cast<double>(size)); }

inline napi_value MakeNull(napi_env env) {
  napi_value null = nullptr;
  napi_get_null(env, &null);
  return null;
}

inline napi_value MakeBoolean(napi_env env, bool boolean) {
  napi_value value = nullptr;
  napi_get_boolean(env, boolean, &value);
  return value;
}

inline napi_value MakeUndefined(napi_env env) {
  napi_value value = nullptr;
  napi_get_undefined(env, &value);
  return value;
}

// The memory of a typed array of exactly this type; false for anything else.
inline bool ReadArray(napi_env env, napi_value value, napi_typedarray_type type, void** data, size_t* length) {
  bool is_array = false;
  napi_typedarray_type actual = napi_int8_array;
  return napi_is_typedarray(env, value, &is_array) == napi_ok && is_array &&
         napi_get_typedarray_info(env, value, &actual, length, data, nullptr, nullptr) == napi_ok && actual == type;
}

inline void SetNamed(napi_env env, napi_value object, const char* name, napi_value value) {
  if (value != nullptr) napi_set_named_property(env, object, name, value);
}

// An array of what `make` answers for each of `items`; nullptr when the environment is ending.
template <typename Items, typename Make>
napi_value MakeArray(napi_env env, const Items& items, Make make) {
  napi_value array = nullptr;
  if (napi_create_array_with_length(env, items.size(), &array) != napi_ok) return nullptr;
  uint32_t index = 0;
  for (const auto& item : items) napi_set_element(env, array, index++, make(item));
  return array;
}

// {errno, syscall}: a failure crosses the border as data; lib/errors.ts makes the error of it.
inline napi_value MakeFailure(napi_env env, const os::OsError& error) {
  napi_value failure = nullptr;
  napi_value syscall = nullptr;
  if (napi_create_object(env, &failure) != napi_ok) return nullptr;
  napi_create_string_utf8(env, error.syscall, NAPI_AUTO_LENGTH, &syscall);
  SetNamed(env, failure, "errno", MakeNumber(env, error.number));
  SetNamed(env, failure, "syscall", syscall);
  return failure;
}

inline napi_value NothingOrFailure(napi_env env, const os::Status& status) {
  return status.ok() ? MakeUndefined(env) : MakeFailure(env, status.error());
}

template <typename T>
napi_value NumberOrFailure(napi_env env, const os::Result<T>& result) {
  return result.ok() ? MakeSize(env, result.value()) : MakeFailure(env, result.error());
}

// The arguments of one call. A missing one is undefined, so reading it as a number fails cleanly.
template <size_t kCount>
class Arguments {
 public:
  Arguments(napi_env env, napi_callback_info info) : env_(env) {
    size_t count = kCount;
    ok_ = napi_get_cb_info(env, info, &count, values_, nullptr, nullptr) == napi_ok;
  }

  bool ok() const { return ok_; }
  napi_value operator[](size_t index) const { return values_[index]; }

  bool Size(size_t index, uint64_t* out) const {
    constexpr double kTwoTo53 = 9007199254740992.0;
    double number = 0;
    if (!ok_ || napi_get_value_double(env_, values_[index], &number) != napi_ok) return false;
    if (!(number >= 0 && number <= kTwoTo53)) return false;  // refuses NaN too
    *out = static_cast<uint64_t>(number);
    return static_cast<double>(*out) == number;
  }

  // Two arguments, of which the first is the offset.
  bool Range(size_t first, os::ByteRange* out) const {
    return Size(first, &out->offset) && Size(first + 1, &out->length);
  }

  bool Descriptor(size_t index, int* out) const {
    uint64_t number = 0;
    if (!Size(index, &number) || number > INT32_MAX) return false;
    *out = static_cast<int>(number);
    return true;
  }

  bool Boolean(size_t index, bool* out) const {
    return ok_ && napi_get_value_bool(env_, values_[index], out) == napi_ok;
  }

 private:
  napi_env env_;
  napi_value values_[kCount] = {};
  bool ok_ = false;
};

inline void Export(napi_env env, napi_value exports, const char* name, napi_callback function) {
  napi_value value = nullptr;
  if (napi_create_function(env, name, NAPI_AUTO_LENGTH, function, nullptr, &value) != napi_ok) return;
  SetNamed(env, exports, name, value);
}

}  // namespace zerocopy

#endif  // ZEROCOPY_NODE_VALUES_H_
