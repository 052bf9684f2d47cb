// Waiting for, and waking at, words of Regions. One WaitService per environment, made by the first onWaitsFinished().
#ifndef ZEROCOPY_REGION_WAIT_BINDING_H_
#define ZEROCOPY_REGION_WAIT_BINDING_H_

#include <node_api.h>

#include "environment.h"

namespace zerocopy::region {

void RegisterWaits(napi_env env, napi_value exports);
// Cancels the waits and waits for their threads; idempotent.
void TearDownWaits(Environment* environment);

}  // namespace zerocopy::region

#endif  // ZEROCOPY_REGION_WAIT_BINDING_H_
