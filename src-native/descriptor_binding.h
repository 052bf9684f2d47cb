// Descriptors that native code makes and JavaScript uses by their number.
#ifndef ZEROCOPY_DESCRIPTOR_BINDING_H_
#define ZEROCOPY_DESCRIPTOR_BINDING_H_

#include <node_api.h>

#include "os/descriptor.h"

namespace zerocopy {

// The number, for JavaScript to end by closeDescriptor(). Until then it is the environment's, which closes it at its
// end: Node does that for a worker that is terminated with what it opened itself, and knows nothing of these.
napi_value HandOver(napi_env env, os::Descriptor descriptor);

}  // namespace zerocopy

#endif  // ZEROCOPY_DESCRIPTOR_BINDING_H_
