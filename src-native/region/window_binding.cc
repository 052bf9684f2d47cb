#include "region/window_binding.h"

#include <atomic>
#include <memory>
#include <utility>

#include "counters.h"
#include "environment.h"
#include "node_values.h"
#include "os/byte_range.h"
#include "os/library.h"
#include "region/handle_binding.h"
#include "region/residents_binding.h"
#include "tagged_object_binding.h"

namespace zerocopy::region {
namespace {

const napi_type_tag kWindowTag = TagOf(0x51e7c03ba98f4d6e);

class Window : public Resident {
 public:
  // `ends`: how many finalizers there will be.
  Window(std::shared_ptr<Region> region, int ends) : Resident(std::move(region)), ends_left_(ends) {}

  bool is_window() const override { return true; }
  bool exposed() const override { return exposed_; }

  void Expose() {
    if (exposed_ || region_ == nullptr || !region_->Hold(Holder::kRaw)) return;
    exposed_ = true;
    region_->pages()->Expose();
    region_->Release(Holder::kWindow);
  }

  void LetGo() override {
    if (region_ == nullptr) return;
    region_->Release(exposed_ ? Holder::kRaw : Holder::kWindow);
    Resident::LetGo();
  }

  // One of its ends has come, on any thread; the last deletes this.
  void End() {
    if (--ends_left_ > 0) return;
    Unlink();
    LetGo();
    delete this;
  }

 private:
  bool exposed_ = false;  // written on the environment's thread, before the last end
  std::atomic<int> ends_left_;
};

void ObjectFinalized(napi_env, void* window, void*) { static_cast<Window*>(window)->End(); }

void StoreFinalized(napi_env, void*, void* window) {
  counters.buffers_finalized++;
  static_cast<Window*>(window)->End();
}

void SharedStoreFinalized(void*, void* window) {
  counters.buffers_finalized++;
  static_cast<Window*>(window)->End();
}

void ClearException(napi_env env) {
  bool pending = false;
  napi_value ignored = nullptr;
  if (napi_is_exception_pending(env, &pending) == napi_ok && pending) {
    napi_get_and_clear_last_exception(env, &ignored);
  }
}

// The Region and the range inside it that (handle, offset, length) name, held; nullptr with an exception pending.
std::shared_ptr<Region> HeldRange(napi_env env, const Arguments<3>& arguments, os::ByteRange* range) {
  std::shared_ptr<Region> region = arguments.ok() ? FromHandle(env, arguments[0]) : nullptr;
  const bool right = region != nullptr && arguments.Range(1, range) && range->length > 0 &&
                     os::Fits(*range, region->length()) && region->Hold(Holder::kWindow);
  if (right) return region;
  ThrowMisuse(env, "(handle of an open region, offset, length)");
  return nullptr;
}

// createWindow(handle, offset, length): ArrayBuffer | undefined where the engine makes none
napi_value CreateWindow(napi_env env, napi_callback_info info) {
  const Arguments<3> arguments(env, info);
  os::ByteRange range;
  std::shared_ptr<Region> region = HeldRange(env, arguments, &range);
  if (region == nullptr) return nullptr;
  napi_value buffer = nullptr;
  auto* window = new Window(region, 2);
  uint8_t* data = region->data() + range.offset;
  if (napi_create_external_arraybuffer(env, data, range.length, StoreFinalized, window, &buffer) != napi_ok) {
    // Some engines have run the finalizer by now, some never will, and nothing tells which: a window without its
    // region is left behind rather than freed twice.
    window->LetGo();
    ClearException(env);
    return MakeUndefined(env);
  }
  counters.buffers_created++;
  napi_type_tag_object(env, buffer, &kWindowTag);
  napi_wrap(env, buffer, window, ObjectFinalized, nullptr, nullptr);
  Environment::From(env)->residents->Add(window, buffer);
  return buffer;
}

// exposeWindow(buffer): from now on the memory outlives the buffer
napi_value ExposeWindow(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  auto* window = arguments.ok() ? Unwrap<Window>(env, arguments[0], kWindowTag) : nullptr;
  if (window == nullptr) return ThrowMisuse(env, "not a window");
  window->Expose();
  // When the environment ends, Node calls StoreFinalized although transfer() may have given the store to a thread that
  // lives on: by then the memory must be retired.
  Environment::From(env)->TearDownFirst(env);
  return MakeUndefined(env);
}

// detachWindow(buffer): its views have length 0; an unexposed one lets go of the memory
napi_value DetachWindow(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  auto* window = arguments.ok() ? Unwrap<Window>(env, arguments[0], kWindowTag) : nullptr;
  if (window == nullptr) return ThrowMisuse(env, "not a window");
  bool detached = false;
  napi_is_detached_arraybuffer(env, arguments[0], &detached);
  // Detached by somebody else: its memory lives on in another ArrayBuffer, until that store is finalized.
  if (detached) return MakeUndefined(env);
  if (napi_detach_arraybuffer(env, arguments[0]) == napi_ok && !window->exposed()) window->LetGo();
  return MakeUndefined(env);
}

// Not in Node-API 8: looked up, in Node since 22.23, 24.16 and 26.1.
using CreateExternalShared = napi_status (*)(napi_env, void*, size_t, void (*)(void*, void*), void*, napi_value*);

// createSharedWindow(handle, offset, length): SharedArrayBuffer | undefined where the engine makes none
napi_value CreateSharedWindow(napi_env env, napi_callback_info info) {
  const auto create =
      reinterpret_cast<CreateExternalShared>(os::FindInProgram("node_api_create_external_sharedarraybuffer"));
  if (create == nullptr) return MakeUndefined(env);
  const Arguments<3> arguments(env, info);
  os::ByteRange range;
  std::shared_ptr<Region> region = HeldRange(env, arguments, &range);
  if (region == nullptr) return nullptr;
  napi_value buffer = nullptr;
  auto* window = new Window(region, 2);  // one end is ours: it must be there if the other comes from a failure
  window->Expose();
  uint8_t* data = region->data() + range.offset;
  if (create(env, data, range.length, SharedStoreFinalized, window, &buffer) != napi_ok) {
    window->LetGo();
    ClearException(env);
    return MakeUndefined(env);
  }
  counters.buffers_created++;
  window->End();
  return buffer;
}

}  // namespace

void RegisterWindows(napi_env env, napi_value exports) {
  Export(env, exports, "createWindow", CreateWindow);
  Export(env, exports, "exposeWindow", ExposeWindow);
  Export(env, exports, "detachWindow", DetachWindow);
  Export(env, exports, "createSharedWindow", CreateSharedWindow);
}

}  // namespace zerocopy::region
