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

}  // namespace zerocopy::region

#endif  // ZEROCOPY_REGION_HANDLE_BINDING_H_
