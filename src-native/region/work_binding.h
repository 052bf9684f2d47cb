// Running an operation of a Region on the thread pool.
#ifndef ZEROCOPY_REGION_WORK_BINDING_H_
#define ZEROCOPY_REGION_WORK_BINDING_H_

#include <node_api.h>

#include "os/byte_range.h"
#include "os/result.h"
#include "region/region.h"

namespace zerocopy::region {

using Operation = os::Status (Region::*)(os::ByteRange) const;

// A promise of undefined or a failure. The Region is held until the work is done. `name` is what async_hooks shows.
napi_value RunOnPool(napi_env env, napi_value handle, os::ByteRange range, Operation operation, const char* name);

}  // namespace zerocopy::region

#endif  // ZEROCOPY_REGION_WORK_BINDING_H_
