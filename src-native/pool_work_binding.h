// Work that may wait for a disk, on libuv's thread pool: JavaScript gets a promise of what it answers.
#ifndef ZEROCOPY_POOL_WORK_BINDING_H_
#define ZEROCOPY_POOL_WORK_BINDING_H_

#include <node_api.h>

#include <memory>

#include "node_values.h"

namespace zerocopy {

// Owns itself from the moment it is queued until its promise is settled.
template <typename Work>
struct PoolWork {
  std::unique_ptr<Work> work;
  napi_deferred deferred = nullptr;
  napi_async_work task = nullptr;

  static void Execute(napi_env, void* data) { static_cast<PoolWork*>(data)->work->Run(); }

  // Also when the environment ends while it was running or queued.
  static void Complete(napi_env env, napi_status, void* data) {
    const std::unique_ptr<PoolWork> self(static_cast<PoolWork*>(data));
    napi_handle_scope scope = nullptr;
    if (napi_open_handle_scope(env, &scope) != napi_ok) return;
    self->Settle(env, self->work->Answer(env));
    napi_delete_async_work(env, self->task);
    napi_close_handle_scope(env, scope);
  }

  // Without an answer: by what was thrown instead.
  void Settle(napi_env env, napi_value answer) {
    napi_value thrown = nullptr;
    if (answer != nullptr) {
      napi_resolve_deferred(env, deferred, answer);
    } else if (napi_get_and_clear_last_exception(env, &thrown) == napi_ok) {
      napi_reject_deferred(env, deferred, thrown);
    }
  }
};

// `Work` has Run(), called on a thread of the pool, and Answer(env), called on this one afterwards, which may throw and
// answer nullptr; it is destroyed on this one in any case. What it needs meanwhile it holds. `name` is what async_hooks
// shows.
template <typename Work>
napi_value RunOnPool(napi_env env, std::unique_ptr<Work> work, const char* name) {
  auto self = std::make_unique<PoolWork<Work>>();
  self->work = std::move(work);
  napi_value promise = nullptr;
  napi_value label = nullptr;
  const bool queued = napi_create_string_utf8(env, name, NAPI_AUTO_LENGTH, &label) == napi_ok &&
                      napi_create_promise(env, &self->deferred, &promise) == napi_ok &&
                      napi_create_async_work(env, nullptr, label, PoolWork<Work>::Execute, PoolWork<Work>::Complete,
                                             self.get(), &self->task) == napi_ok &&
                      napi_queue_async_work(env, self->task) == napi_ok;
  if (!queued) {
    if (self->task != nullptr) napi_delete_async_work(env, self->task);
    return ThrowMisuse(env, "the environment is ending");
  }
  (void)self.release();  // Complete has it now
  return promise;
}

}  // namespace zerocopy

#endif  // ZEROCOPY_POOL_WORK_BINDING_H_
