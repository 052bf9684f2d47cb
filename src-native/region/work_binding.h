// Running an operation of a Region on the thread pool.
#ifndef ZEROCOPY_REGION_WORK_BINDING_H_
#define ZEROCOPY_REGION_WORK_BINDING_H_

#include <node_api.h>

#include <memory>

#include "os/byte_range.h"
#include "os/result.h"
#include "region/region.h"

namespace zerocopy::region {

using Operation = os::Status (Region::*)(os::ByteRange) const;

// A promise of undefined or a failure. `held` is a hold (region.h), kept until the work is done; not nullptr. `name` is
// what async_hooks shows.
napi_value RunOnPool(napi_env env, std::shared_ptr<Region> held, os::ByteRange range, Operation operation,
                     const char* name);

}  // namespace zerocopy::region

#endif  // ZEROCOPY_REGION_WORK_BINDING_H_
