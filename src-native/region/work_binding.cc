// Operations on a Region that wait for the disk: each runs on libuv's thread pool with a hold on the Region and
// settles a promise with undefined or a failure, as data.
#include "region/work_binding.h"

#include <node_api.h>

#include "node_values.h"
#include "region/handle_binding.h"

namespace zerocopy::region {
namespace {

struct Work {
  std::shared_ptr<Region> region;  // held from creation until Complete
  os::ByteRange range;
  Operation operation;
  os::Status status = os::Nothing{};
  napi_deferred deferred = nullptr;
  napi_async_work work = nullptr;
};

void Execute(napi_env, void* data) {
  auto* work = static_cast<Work*>(data);
  work->status = (work->region.get()->*work->operation)(work->range);
}

void Complete(napi_env env, napi_status, void* data) {
  const std::unique_ptr<Work> work(static_cast<Work*>(data));
  work->region->Release();
  napi_handle_scope scope = nullptr;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return;
  napi_value result = work->status.ok() ? MakeUndefined(env) : MakeFailure(env, work->status.error());
  napi_resolve_deferred(env, work->deferred, result);
  napi_delete_async_work(env, work->work);
  napi_close_handle_scope(env, scope);
}

}  // namespace

napi_value RunOnPool(napi_env env, napi_value handle, os::ByteRange range, Operation operation, const char* name) {
  std::shared_ptr<Region> region = FromHandle(env, handle);
  if (region == nullptr || !region->Hold()) return ThrowMisuse(env, "not the handle of an open region");
  auto work = std::make_unique<Work>();
  work->region = region;
  work->range = range;
  work->operation = operation;
  napi_value promise = nullptr;
  napi_value label = nullptr;
  const bool queued =
      napi_create_string_utf8(env, name, NAPI_AUTO_LENGTH, &label) == napi_ok &&
      napi_create_promise(env, &work->deferred, &promise) == napi_ok &&
      napi_create_async_work(env, nullptr, label, Execute, Complete, work.get(), &work->work) == napi_ok &&
      napi_queue_async_work(env, work->work) == napi_ok;
  if (!queued) {
    region->Release();
    return nullptr;
  }
  (void)work.release();  // Complete has it now
  return promise;
}

}  // namespace zerocopy::region
