// Tells the event loop of one environment, from any thread, that work has finished. Many tellings may share one call.
// It keeps the loop alive while work is under way, and only then.
#ifndef ZEROCOPY_NOTIFIER_BINDING_H_
#define ZEROCOPY_NOTIFIER_BINDING_H_

#include <node_api.h>

#include <atomic>
#include <cstddef>

namespace zerocopy {

class Notifier {
 public:
  Notifier() = default;
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;
  ~Notifier() {
    if (call_ != nullptr) napi_release_threadsafe_function(call_, napi_tsfn_release);
  }

  // `callback` is called without arguments; `name` is what async_hooks shows. False when the environment is ending, or
  // this is no function. Whoever ends the threads that notify does so in a cleanup hook that is added after this: then
  // it runs before the one by which Node ends what was made here.
  [[nodiscard]] bool Create(napi_env env, napi_value callback, const char* name) {
    napi_value label = nullptr;
    napi_create_string_utf8(env, name, NAPI_AUTO_LENGTH, &label);
    const napi_status made = napi_create_threadsafe_function(env, callback, nullptr, label, 0, 1, nullptr, nullptr,
                                                             nullptr, nullptr, &call_);
    if (made == napi_ok) napi_unref_threadsafe_function(env, call_);
    return made == napi_ok;
  }

  // Call on the environment's thread, like Taken(): one more piece of work has begun.
  void Began(napi_env env) {
    if (under_way_++ == 0) napi_ref_threadsafe_function(env, call_);
  }

  // `take()` answers a list of what has finished.
  template <typename Take>
  auto Taken(napi_env env, Take take) {
    notified_ = false;  // first: what finishes from here on is told anew
    auto finished = take();
    const bool had_any = under_way_ > 0;
    under_way_ -= finished.size();
    if (had_any && under_way_ == 0) napi_unref_threadsafe_function(env, call_);
    return finished;
  }

  // On any thread.
  void Notify() {
    if (notified_.exchange(true)) return;
    napi_call_threadsafe_function(call_, nullptr, napi_tsfn_nonblocking);
  }

 private:
  napi_threadsafe_function call_ = nullptr;
  std::atomic<bool> notified_{false};
  size_t under_way_ = 0;
};

}  // namespace zerocopy

#endif  // ZEROCOPY_NOTIFIER_BINDING_H_
