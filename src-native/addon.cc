// The module: creates the per-environment state, registers each binding, and nothing else.
#include <node_api.h>

#include <new>

#include "counters.h"
#include "environment.h"
#include "node_values.h"
#include "os/library.h"

namespace zerocopy {
namespace {

napi_value ReadCounters(napi_env env, napi_callback_info) {
  napi_value result = nullptr;
  if (napi_create_object(env, &result) != napi_ok) return nullptr;
  const auto set = [&](const char* name, const std::atomic<int64_t>& counter) {
    SetNamed(env, result, name, MakeNumber(env, static_cast<double>(counter.load())));
  };
  set("regionsMapped", counters.regions_mapped);
  set("regionsUnmapped", counters.regions_unmapped);
  set("regionsRetired", counters.regions_retired);
  set("regionsParked", counters.regions_parked);
  set("bytesMapped", counters.bytes_mapped);
  set("buffersCreated", counters.buffers_created);
  set("buffersFinalized", counters.buffers_finalized);
  set("transfersStarted", counters.transfers_started);
  set("transfersInFlight", counters.transfers_in_flight);
  set("pumpThreads", counters.pump_threads);
  return result;
}

// Runs before the environment's own finalizers, on its thread, when the worker or the process ends.
void TearDown(void* data) {
  auto* environment = static_cast<Environment*>(data);
  transfer::TearDown(environment);
  region::TearDown(environment);
}

void Free(napi_env, void* data, void*) { delete static_cast<Environment*>(data); }

napi_value Initialize(napi_env env, napi_value exports) {
  // Late finalizers and pump threads must never run into unmapped code.
  os::PinThisLibrary();
  auto* environment = new Environment();
  if (napi_set_instance_data(env, environment, Free, nullptr) != napi_ok) {
    delete environment;
    return ThrowMisuse(env, "the environment is ending");
  }
  napi_add_env_cleanup_hook(env, TearDown, environment);
  Export(env, exports, "counters", ReadCounters);
  RegisterDescriptors(env, exports);
  region::Register(env, exports);
  transfer::Register(env, exports);
  http::Register(env, exports);
  return exports;
}

}  // namespace

void Environment::TearDownFirst(napi_env env) {
  napi_remove_env_cleanup_hook(env, TearDown, this);
  napi_add_env_cleanup_hook(env, TearDown, this);
}

}  // namespace zerocopy

extern "C" {
NAPI_MODULE_EXPORT int32_t node_api_module_get_api_version_v1() { return NAPI_VERSION; }

NAPI_MODULE_EXPORT napi_value napi_register_module_v1(napi_env env, napi_value exports) {
  return zerocopy::Initialize(env, exports);
}
}
