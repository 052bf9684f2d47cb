// A *hold* in JavaScript's hands: the memory of a Region stays, although the Region is closed meanwhile, for work of
// ours that is to come. A tagged object; it ends when it is released, or collected. Work that has begun with it has a
// share of it, and so may last longer.
#ifndef ZEROCOPY_REGION_HOLD_BINDING_H_
#define ZEROCOPY_REGION_HOLD_BINDING_H_

#include <node_api.h>

#include <memory>

#include "os/byte_range.h"
#include "region/region.h"

namespace zerocopy::region {

// A share of the hold; nullptr for one that was released, and for anything that is no hold.
std::shared_ptr<Region> FromHold(napi_env env, napi_value object);

// The bytes of `range` under a share of the hold; nullptr also for a range that is empty or does not lie inside.
std::shared_ptr<const uint8_t> HeldMemory(napi_env env, napi_value object, os::ByteRange range);

void RegisterHolds(napi_env env, napi_value exports);

}  // namespace zerocopy::region

#endif  // ZEROCOPY_REGION_HOLD_BINDING_H_
