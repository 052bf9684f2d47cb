#include "region/wait_binding.h"

#include <memory>

#include "node_values.h"
#include "notifier_binding.h"
#include "region/handle_binding.h"
#include "region/waiters.h"

namespace zerocopy::region {

class WaitService {
 public:
  WaitService() : waiters_(Wake, this) {}

  Notifier& notifier() { return notifier_; }
  Waiters& waiters() { return waiters_; }

 private:
  static void Wake(void* service) { static_cast<WaitService*>(service)->notifier_.Notify(); }

  Notifier notifier_;
  Waiters waiters_;  // ends first: its threads notify
};

void TearDownWaits(Environment* environment) {
  delete environment->waits;
  environment->waits = nullptr;
}

namespace {

// onWaitsFinished(callback): once per environment
napi_value OnWaitsFinished(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  Environment* environment = Environment::From(env);
  if (!arguments.ok() || environment == nullptr) return nullptr;
  if (environment->waits != nullptr) return ThrowMisuse(env, "the callback is set already");
  auto service = std::make_unique<WaitService>();
  if (!service->notifier().Create(env, arguments[0], "zerocopy:wait")) return ThrowMisuse(env, "not a function");
  environment->waits = service.release();
  napi_add_env_cleanup_hook(env, [](void* data) { TearDownWaits(static_cast<Environment*>(data)); }, environment);
  return MakeUndefined(env);
}

WaitService* ServiceOf(napi_env env) {
  Environment* environment = Environment::From(env);
  if (environment != nullptr && environment->waits != nullptr) return environment->waits;
  ThrowMisuse(env, "onWaitsFinished() comes first");
  return nullptr;
}

constexpr uint64_t kForEver = os::kMaxLength;  // microseconds, and so 285 years

// startWait(handle, offset, expected, timeout): id | failure; `expected` as uint32, `timeout` in microseconds
napi_value StartWait(napi_env env, napi_callback_info info) {
  const Arguments<4> arguments(env, info);
  const std::shared_ptr<Region> region = arguments.ok() ? FromHandle(env, arguments[0]) : nullptr;
  uint64_t offset = 0;
  uint64_t expected = 0;
  uint64_t timeout = 0;
  if (region == nullptr || !arguments.Size(1, &offset) || !arguments.Size(2, &expected) || expected > UINT32_MAX ||
      !arguments.Size(3, &timeout)) {
    return ThrowMisuse(env, "startWait(handle, offset, expected, timeout)");
  }
  WaitService* service = ServiceOf(env);
  if (service == nullptr) return nullptr;
  const uint64_t nanoseconds = timeout >= kForEver ? os::kNever : timeout * 1000;
  const auto id = service->waiters().Start(region, offset, static_cast<uint32_t>(expected), nanoseconds);
  if (!id.ok()) return MakeFailure(env, id.error());
  service->notifier().Began(env);
  return MakeSize(env, id.value());
}

// cancelWait(id)
napi_value CancelWait(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  uint64_t id = 0;
  if (!arguments.Size(0, &id)) return ThrowMisuse(env, "cancelWait(id)");
  WaitService* service = ServiceOf(env);
  if (service == nullptr) return nullptr;
  service->waiters().Cancel(id);
  return MakeUndefined(env);
}

napi_value MakeOutcome(napi_env env, const WaitOutcome& outcome) {
  // A failure's {errno, syscall} with more beside it; errno 0 says that there is none.
  napi_value result = MakeFailure(env, outcome.error);
  if (result == nullptr) return nullptr;
  SetNamed(env, result, "id", MakeSize(env, outcome.id));
  SetNamed(env, result, "end", MakeNumber(env, static_cast<double>(outcome.end)));
  return result;
}

// takeFinishedWaits(): the outcomes since the last call
napi_value TakeFinishedWaits(napi_env env, napi_callback_info) {
  WaitService* service = ServiceOf(env);
  if (service == nullptr) return nullptr;
  const auto finished = service->notifier().Taken(env, [&] { return service->waiters().TakeFinished(); });
  return MakeArray(env, finished, [&](const WaitOutcome& outcome) { return MakeOutcome(env, outcome); });
}

// notifyWord(handle, offset, count): how many were woken | failure
napi_value Notify(napi_env env, napi_callback_info info) {
  const Arguments<3> arguments(env, info);
  const std::shared_ptr<Region> region = arguments.ok() ? FromHandle(env, arguments[0]) : nullptr;
  uint64_t offset = 0;
  uint64_t count = 0;
  if (region == nullptr || !arguments.Size(1, &offset) || !arguments.Size(2, &count) || count > UINT32_MAX) {
    return ThrowMisuse(env, "notifyWord(handle, offset, count)");
  }
  const auto woken = NotifyWord(*region, offset, static_cast<uint32_t>(count));
  return woken.ok() ? MakeNumber(env, woken.value()) : MakeFailure(env, woken.error());
}

}  // namespace

void RegisterWaits(napi_env env, napi_value exports) {
  Export(env, exports, "onWaitsFinished", OnWaitsFinished);
  Export(env, exports, "startWait", StartWait);
  Export(env, exports, "cancelWait", CancelWait);
  Export(env, exports, "takeFinishedWaits", TakeFinishedWaits);
  Export(env, exports, "notifyWord", Notify);
}

}  // namespace zerocopy::region
