// Which pages of a Region are in memory, and keeping them there.
#ifndef ZEROCOPY_REGION_PAGING_BINDING_H_
#define ZEROCOPY_REGION_PAGING_BINDING_H_

#include <node_api.h>

namespace zerocopy::region {

void RegisterPaging(napi_env env, napi_value exports);

}  // namespace zerocopy::region

#endif  // ZEROCOPY_REGION_PAGING_BINDING_H_
