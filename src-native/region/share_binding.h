// The memory of a Region for other threads of this process: offered under a token, claimed with it.
#ifndef ZEROCOPY_REGION_SHARE_BINDING_H_
#define ZEROCOPY_REGION_SHARE_BINDING_H_

#include <node_api.h>

namespace zerocopy::region {

void RegisterSharing(napi_env env, napi_value exports);

}  // namespace zerocopy::region

#endif  // ZEROCOPY_REGION_SHARE_BINDING_H_
