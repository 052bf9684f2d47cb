// What belongs to one Node environment (the main thread or a worker) and ends with it.
#ifndef ZEROCOPY_ENVIRONMENT_H_
#define ZEROCOPY_ENVIRONMENT_H_

#include <node_api.h>

#include "os/descriptor_set.h"

namespace zerocopy {

namespace region {
class Residents;
class WaitService;
}  // namespace region
namespace transfer {
class PumpService;
}

// Created with the addon's exports, torn down by the environment's cleanup hook: there the threads
// are joined and the handles let go of their regions. Each part is made by its own binding on first use.
struct Environment {
  region::Residents* residents = nullptr;      // region/region_binding.cc
  region::WaitService* waits = nullptr;        // region/wait_binding.cc
  transfer::PumpService* transfers = nullptr;  // transfer/transfer_binding.cc

  // Those that JavaScript has by number; closed when everything that may use them has ended. descriptor_binding.cc.
  os::DescriptorSet descriptors;

  static Environment* From(napi_env env) {
    void* data = nullptr;
    napi_get_instance_data(env, &data);
    return static_cast<Environment*>(data);
  }

  // Cleanup hooks run in the reverse order of their adding. After this call our hook runs before the hooks of
  // everything that Node has created so far.
  void TearDownFirst(napi_env env);
};

// Each binding puts its functions on the exports, and ends what it keeps in the environment.
namespace region {
void Register(napi_env env, napi_value exports);
void TearDown(Environment* environment);
}  // namespace region
namespace transfer {
void Register(napi_env env, napi_value exports);
void TearDown(Environment* environment);
}  // namespace transfer
namespace http {
void Register(napi_env env, napi_value exports);
}  // namespace http
void RegisterDescriptors(napi_env env, napi_value exports);

}  // namespace zerocopy

#endif  // ZEROCOPY_ENVIRONMENT_H_
