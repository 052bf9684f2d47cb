// Looking for bytes in a Region, before it returns or on the thread pool.
#ifndef ZEROCOPY_REGION_SEARCH_BINDING_H_
#define ZEROCOPY_REGION_SEARCH_BINDING_H_

#include <node_api.h>

namespace zerocopy::region {

void RegisterSearch(napi_env env, napi_value exports);

}  // namespace zerocopy::region

#endif  // ZEROCOPY_REGION_SEARCH_BINDING_H_
