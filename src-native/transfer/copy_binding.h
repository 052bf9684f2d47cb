// The functions of a Copy for JavaScript.
#ifndef ZEROCOPY_TRANSFER_COPY_BINDING_H_
#define ZEROCOPY_TRANSFER_COPY_BINDING_H_

#include <node_api.h>

namespace zerocopy::transfer {

void RegisterCopy(napi_env env, napi_value exports);

}  // namespace zerocopy::transfer

#endif  // ZEROCOPY_TRANSFER_COPY_BINDING_H_
