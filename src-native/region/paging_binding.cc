#include "region/paging_binding.h"

#include <cmath>
#include <cstdint>
#include <memory>

#include "node_values.h"
#include "os/file.h"
#include "os/memory_map.h"
#include "os/page.h"
#include "region/handle_binding.h"
#include "region/map_budget.h"
#include "region/region.h"

namespace zerocopy::region {
namespace {

// pageSize(): bytes
napi_value PageSize(napi_env env, napi_callback_info) { return MakeSize(env, os::PageSize()); }

// lockLimit(): bytes, Infinity for none
napi_value LockLimit(napi_env env, napi_callback_info) {
  const uint64_t limit = os::LockLimit();
  return MakeNumber(env, limit == UINT64_MAX ? INFINITY : static_cast<double>(limit));
}

// residency(handle, offset, length, map): undefined | failure; `map` has a byte for each page around the range
napi_value Residency(napi_env env, napi_callback_info info) {
  const Arguments<4> arguments(env, info);
  const std::shared_ptr<Region> region = arguments.ok() ? FromHandle(env, arguments[0]) : nullptr;
  os::ByteRange range;
  void* map = nullptr;
  size_t count = 0;
  if (region == nullptr || !arguments.Range(1, &range) ||
      !ReadArray(env, arguments[3], napi_uint8_array, &map, &count)) {
    return ThrowMisuse(env, "residency(handle, offset, length, map)");
  }
  return NothingOrFailure(env, region->Residency(range, static_cast<uint8_t*>(map), count));
}

// A function of (handle, offset, length) that answers undefined, a failure, or null for too many maps.
template <os::Status (Region::*kOperation)(os::ByteRange) const>
napi_value OfRange(napi_env env, napi_callback_info info) {
  const Arguments<3> arguments(env, info);
  const std::shared_ptr<Region> region = arguments.ok() ? FromHandle(env, arguments[0]) : nullptr;
  os::ByteRange range;
  if (region == nullptr || !arguments.Range(1, &range)) {
    return ThrowMisuse(env, "(handle, offset, length)");
  }
  if (!MayDivideMap()) return MakeNull(env);
  return NothingOrFailure(env, (region.get()->*kOperation)(range));
}

// dropFromCache(descriptor): undefined | failure
napi_value DropFromCache(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  int descriptor = -1;
  if (!arguments.Descriptor(0, &descriptor)) return ThrowMisuse(env, "dropFromCache(descriptor)");
  return NothingOrFailure(env, os::DropFromCache(descriptor));
}

}  // namespace

void RegisterPaging(napi_env env, napi_value exports) {
  Export(env, exports, "pageSize", PageSize);
  Export(env, exports, "lockLimit", LockLimit);
  Export(env, exports, "residency", Residency);
  Export(env, exports, "lock", OfRange<&Region::Lock>);
  Export(env, exports, "unlock", OfRange<&Region::Unlock>);
  Export(env, exports, "dropFromCache", DropFromCache);
}

}  // namespace zerocopy::region
