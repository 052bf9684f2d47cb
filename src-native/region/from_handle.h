// For the bindings of other layers: the Region behind a handle that JavaScript passed.
#ifndef ZEROCOPY_REGION_FROM_HANDLE_H_
#define ZEROCOPY_REGION_FROM_HANDLE_H_

#include <node_api.h>

#include <memory>

#include "region/region.h"

namespace zerocopy::region {

// A reference, not a hold; nullptr for anything that is no handle.
std::shared_ptr<Region> FromHandle(napi_env env, napi_value object);

}  // namespace zerocopy::region

#endif  // ZEROCOPY_REGION_FROM_HANDLE_H_
