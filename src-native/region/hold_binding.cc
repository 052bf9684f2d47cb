#include "region/hold_binding.h"

#include <cstring>
#include <utility>

#include "node_values.h"
#include "region/handle_binding.h"
#include "region/work_binding.h"
#include "tagged_object_binding.h"

namespace zerocopy::region {
namespace {

const napi_type_tag kHoldTag = TagOf(0x1d84c6f2a95b3e07);

// What the object wraps; empty once it was released.
using Hold = std::shared_ptr<Region>;

// holdRegion(handle): hold
napi_value HoldRegion(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  auto hold = std::make_unique<Hold>(arguments.ok() ? Held(FromHandle(env, arguments[0])) : nullptr);
  if (*hold == nullptr) return ThrowMisuse(env, "holdRegion(handle of an open region)");
  return Wrap(env, std::move(hold), kHoldTag);
}

// releaseHold(hold): idempotent
napi_value ReleaseHold(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  auto* hold = arguments.ok() ? Unwrap<Hold>(env, arguments[0], kHoldTag) : nullptr;
  if (hold == nullptr) return ThrowMisuse(env, "releaseHold(hold)");
  hold->reset();
  return MakeUndefined(env);
}

// prefetchHeld(hold, offset, length): promise of undefined | failure
napi_value PrefetchHeld(napi_env env, napi_callback_info info) {
  const Arguments<3> arguments(env, info);
  os::ByteRange range;
  Hold held = arguments.ok() ? FromHold(env, arguments[0]) : nullptr;
  if (held == nullptr || !arguments.Range(1, &range)) {
    return ThrowMisuse(env, "prefetchHeld(hold, offset, length)");
  }
  return RunOnPool(env, std::move(held), range, &Region::Prefetch, "zerocopy:prefetch");
}

// readHeld(hold, offset, target): fills the Uint8Array. What cannot be read are zeros, and a fault.
napi_value ReadHeld(napi_env env, napi_callback_info info) {
  const Arguments<3> arguments(env, info);
  uint64_t offset = 0;
  void* target = nullptr;
  size_t length = 0;
  const Hold held = arguments.ok() ? FromHold(env, arguments[0]) : nullptr;
  if (held == nullptr || !arguments.Size(1, &offset) ||
      !ReadArray(env, arguments[2], napi_uint8_array, &target, &length) ||
      !os::Fits({offset, length}, held->length())) {
    return ThrowMisuse(env, "readHeld(hold, offset, target)");
  }
  if (length > 0) std::memcpy(target, held->data() + offset, length);
  return MakeUndefined(env);
}

}  // namespace

std::shared_ptr<Region> FromHold(napi_env env, napi_value object) {
  const auto* hold = Unwrap<Hold>(env, object, kHoldTag);
  return hold == nullptr ? nullptr : *hold;
}

std::shared_ptr<const uint8_t> HeldMemory(napi_env env, napi_value object, os::ByteRange range) {
  const Hold held = FromHold(env, object);
  if (held == nullptr || range.length == 0 || !os::Fits(range, held->length())) return nullptr;
  return {held, held->data() + range.offset};
}

void RegisterHolds(napi_env env, napi_value exports) {
  Export(env, exports, "holdRegion", HoldRegion);
  Export(env, exports, "releaseHold", ReleaseHold);
  Export(env, exports, "prefetchHeld", PrefetchHeld);
  Export(env, exports, "readHeld", ReadHeld);
}

}  // namespace zerocopy::region
