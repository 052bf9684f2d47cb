// Regions as JavaScript sees them: a handle for each, and external ArrayBuffers over windows of their memory.
//
// Ownership on this side of the border
// - A *handle* is a tagged object that keeps a reference to one Region. It is dropped when JavaScript collects the
//   object, or when the environment ends (HandleTable).
// - A *window* is one external ArrayBuffer over a part of a Region, with a reference and a hold. Two things must
//   have ended before its hold may go: the ArrayBuffer object (work in flight inside Node roots it) and its backing
//   store (transfer() moves that to another ArrayBuffer). Each has a finalizer; the later one releases.
// - A window that never left this package (not *exposed*) can be detached: nobody else has its memory, so its hold
//   is released there and then.
// - Finalizers make no Node-API calls: other runtimes run them on any thread.
#include <node_api.h>

#include <atomic>
#include <memory>
#include <mutex>

#include "counters.h"
#include "environment.h"
#include "node_values.h"
#include "os/file.h"
#include "os/page.h"
#include "region/from_handle.h"
#include "region/region.h"
#include "region/region_work.h"

namespace zerocopy::region {

struct Handle {
  std::shared_ptr<Region> region;
  HandleTable* table = nullptr;
  Handle* previous = nullptr;
  Handle* next = nullptr;
};

// One environment's handles, an intrusive list: what is left in it when the environment ends is let go of.
class HandleTable {
 public:
  ~HandleTable() {
    const std::lock_guard<std::mutex> lock(mutex);
    for (Handle* handle = first_; handle != nullptr; handle = handle->next) {
      handle->table = nullptr;
      handle->region.reset();
    }
  }

  void Add(Handle* handle) {
    const std::lock_guard<std::mutex> lock(mutex);
    handle->table = this;
    handle->next = first_;
    if (first_ != nullptr) first_->previous = handle;
    first_ = handle;
  }

  static void Remove(Handle* handle) {
    const std::lock_guard<std::mutex> lock(mutex);
    if (handle->table == nullptr) return;
    (handle->previous == nullptr ? handle->table->first_ : handle->previous->next) = handle->next;
    if (handle->next != nullptr) handle->next->previous = handle->previous;
  }

 private:
  static std::mutex mutex;  // one for all tables, because a handle may outlive its own
  Handle* first_ = nullptr;
};

std::mutex HandleTable::mutex;

namespace {

// Drawn once: no other addon, and no other build of this one, has the same.
constexpr napi_type_tag kHandleTag = {0x8c1f5a64e0b74d29, 0xa3d95b7e21c6f810};
constexpr napi_type_tag kWindowTag = {0x51e7c03ba98f4d6e, 0xb6204f9d7a1c83e5};

class Window {
 public:
  static constexpr int kEnds = 2;  // the object's and the backing store's

  explicit Window(std::shared_ptr<Region> region) : region_(std::move(region)) {}

  const std::shared_ptr<Region>& region() const { return region_; }
  bool exposed() const { return exposed_; }
  void Expose() { exposed_ = true; }

  // Releases the hold and drops the reference, once.
  void LetGo() {
    if (let_go_.exchange(true)) return;
    region_->Release();
    region_.reset();
  }

  // One of the two ends has come; the later deletes this.
  void End() {
    if (--ends_left_ > 0) return;
    LetGo();
    delete this;
  }

 private:
  std::shared_ptr<Region> region_;
  bool exposed_ = false;  // read and written on the JavaScript thread
  std::atomic<bool> let_go_{false};
  std::atomic<int> ends_left_{kEnds};
};

void ObjectFinalized(napi_env, void* window, void*) { static_cast<Window*>(window)->End(); }

void StoreFinalized(napi_env, void*, void* window) {
  counters.buffers_finalized++;
  static_cast<Window*>(window)->End();
}

void HandleFinalized(napi_env, void* data, void*) {
  auto* handle = static_cast<Handle*>(data);
  HandleTable::Remove(handle);
  delete handle;
}

template <typename T>
T* Unwrap(napi_env env, napi_value object, const napi_type_tag& tag) {
  bool ours = false;
  void* data = nullptr;
  if (napi_check_object_type_tag(env, object, &tag, &ours) != napi_ok || !ours) return nullptr;
  if (napi_unwrap(env, object, &data) != napi_ok) return nullptr;
  return static_cast<T*>(data);
}

// The Region behind a handle; nullptr, with an exception pending, for anything that is none.
Region* RegionOf(napi_env env, napi_value object) {
  auto* handle = Unwrap<Handle>(env, object, kHandleTag);
  if (handle != nullptr && handle->region != nullptr) return handle->region.get();
  ThrowMisuse(env, "not a region handle");
  return nullptr;
}

napi_value MakeHandle(napi_env env, std::shared_ptr<Region> region) {
  napi_value object = nullptr;
  auto* handle = new Handle{std::move(region)};
  const bool made = napi_create_object(env, &object) == napi_ok &&
                    napi_type_tag_object(env, object, &kHandleTag) == napi_ok &&
                    napi_wrap(env, object, handle, HandleFinalized, nullptr, nullptr) == napi_ok;
  if (!made) {
    delete handle;
    return nullptr;
  }
  Environment* environment = Environment::From(env);
  if (environment->handles == nullptr) environment->handles = new HandleTable();
  environment->handles->Add(handle);
  return object;
}

napi_value HandleOrFailure(napi_env env, os::Result<std::shared_ptr<Region>> result) {
  return result.ok() ? MakeHandle(env, std::move(result.value())) : MakeFailure(env, result.error());
}

napi_value NothingOrFailure(napi_env env, const os::Status& status) {
  return status.ok() ? MakeUndefined(env) : MakeFailure(env, status.error());
}

// mapFile(descriptor, offset, length, access, keepDescriptor, populate): handle | failure
napi_value MapFile(napi_env env, napi_callback_info info) {
  const Arguments<6> arguments(env, info);
  int descriptor = -1;
  os::ByteRange range;
  uint64_t access = 0;
  bool keep_descriptor = false;
  bool populate = false;
  if (!arguments.Descriptor(0, &descriptor) || !arguments.Size(1, &range.offset) ||
      !arguments.Size(2, &range.length) || !arguments.Size(3, &access) || access > 2 ||
      !arguments.Boolean(4, &keep_descriptor) || !arguments.Boolean(5, &populate)) {
    return ThrowMisuse(env, "mapFile(descriptor, offset, length, access, keepDescriptor, populate)");
  }
  return HandleOrFailure(env, Region::MapFile(descriptor, range, static_cast<os::Access>(access),
                                              keep_descriptor, populate));
}

// createMemoryFile(name, size, sealed): descriptor | failure
napi_value CreateMemoryFile(napi_env env, napi_callback_info info) {
  const Arguments<3> arguments(env, info);
  char name[250] = {};  // memfd_create(2): at most 249 bytes
  size_t length = 0;
  uint64_t size = 0;
  bool sealed = false;
  if (!arguments.ok() ||
      napi_get_value_string_utf8(env, arguments[0], name, sizeof(name), &length) != napi_ok ||
      !arguments.Size(1, &size) || !arguments.Boolean(2, &sealed)) {
    return ThrowMisuse(env, "createMemoryFile(name, size, sealed)");
  }
  const os::Result<int> descriptor = os::CreateMemoryFile(name, size, sealed);
  return descriptor.ok() ? MakeNumber(env, descriptor.value()) : MakeFailure(env, descriptor.error());
}

// allocateFile(descriptor, size): undefined | failure
napi_value AllocateFile(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  int descriptor = -1;
  uint64_t size = 0;
  if (!arguments.Descriptor(0, &descriptor) || !arguments.Size(1, &size)) {
    return ThrowMisuse(env, "allocateFile(descriptor, size)");
  }
  return NothingOrFailure(env, os::Allocate(descriptor, size));
}

// The external ArrayBuffer of a window that has been made and holds the region already.
napi_value MakeBuffer(napi_env env, Window* window, os::ByteRange range) {
  napi_value buffer = nullptr;
  uint8_t* data = window->region()->data() + range.offset;
  if (napi_create_external_arraybuffer(env, data, range.length, StoreFinalized, window, &buffer) != napi_ok) {
    return nullptr;
  }
  counters.buffers_created++;
  return buffer;
}

// createWindow(handle, offset, length): ArrayBuffer | undefined where the engine makes none
napi_value CreateWindow(napi_env env, napi_callback_info info) {
  const Arguments<3> arguments(env, info);
  Region* region = arguments.ok() ? RegionOf(env, arguments[0]) : nullptr;
  if (region == nullptr) return nullptr;
  os::ByteRange range;
  if (!arguments.Size(1, &range.offset) || !arguments.Size(2, &range.length) || range.length == 0 ||
      !os::Fits(range, region->length())) {
    return ThrowMisuse(env, "createWindow(handle, offset, length)");
  }
  if (!region->Hold()) return ThrowMisuse(env, "createWindow of a region that is not open");
  auto* window = new Window(Unwrap<Handle>(env, arguments[0], kHandleTag)->region);
  napi_value buffer = MakeBuffer(env, window, range);
  if (buffer == nullptr) {
    // Some engines have run the finalizer by now, some never will, and nothing tells which: a window without
    // its region is left behind rather than freed twice.
    window->LetGo();
    bool pending = false;
    if (napi_is_exception_pending(env, &pending) == napi_ok && pending) {
      napi_value ignored = nullptr;
      napi_get_and_clear_last_exception(env, &ignored);
    }
    return MakeUndefined(env);
  }
  napi_type_tag_object(env, buffer, &kWindowTag);
  napi_wrap(env, buffer, window, ObjectFinalized, nullptr, nullptr);
  return buffer;
}

// exposeWindow(buffer): from now on the memory outlives the buffer
napi_value ExposeWindow(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  auto* window = arguments.ok() ? Unwrap<Window>(env, arguments[0], kWindowTag) : nullptr;
  if (window == nullptr) return ThrowMisuse(env, "not a window");
  window->Expose();
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

// closeRegion(handle): state
napi_value CloseRegion(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  Region* region = arguments.ok() ? RegionOf(env, arguments[0]) : nullptr;
  return region == nullptr ? nullptr : MakeNumber(env, static_cast<double>(region->Close()));
}

// regionState(handle): state
napi_value RegionState(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  Region* region = arguments.ok() ? RegionOf(env, arguments[0]) : nullptr;
  return region == nullptr ? nullptr : MakeNumber(env, static_cast<double>(region->state()));
}

// regionHolds(handle): count
napi_value RegionHolds(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  Region* region = arguments.ok() ? RegionOf(env, arguments[0]) : nullptr;
  return region == nullptr ? nullptr : MakeNumber(env, region->holds());
}

// regionDescriptor(handle): descriptor, -1 when it keeps none
napi_value RegionDescriptor(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  Region* region = arguments.ok() ? RegionOf(env, arguments[0]) : nullptr;
  return region == nullptr ? nullptr : MakeNumber(env, region->descriptor());
}

// flush(handle, offset, length): undefined | failure
napi_value Flush(napi_env env, napi_callback_info info) {
  const Arguments<3> arguments(env, info);
  Region* region = arguments.ok() ? RegionOf(env, arguments[0]) : nullptr;
  if (region == nullptr) return nullptr;
  os::ByteRange range;
  if (!arguments.Size(1, &range.offset) || !arguments.Size(2, &range.length) || !region->Hold()) {
    return ThrowMisuse(env, "flush(handle, offset, length)");
  }
  const os::Status status = region->Flush(range);
  region->Release();
  return NothingOrFailure(env, status);
}

// flushAsync(handle, offset, length): promise of undefined | failure
napi_value FlushAsync(napi_env env, napi_callback_info info) {
  const Arguments<3> arguments(env, info);
  os::ByteRange range;
  if (!arguments.Size(1, &range.offset) || !arguments.Size(2, &range.length)) {
    return ThrowMisuse(env, "flushAsync(handle, offset, length)");
  }
  return RunOnPool(env, arguments[0], range, &Region::Flush, "zerocopy:flush");
}

// advise(handle, offset, length, advice): undefined | failure
napi_value Advise(napi_env env, napi_callback_info info) {
  const Arguments<4> arguments(env, info);
  Region* region = arguments.ok() ? RegionOf(env, arguments[0]) : nullptr;
  if (region == nullptr) return nullptr;
  os::ByteRange range;
  uint64_t advice = 0;
  if (!arguments.Size(1, &range.offset) || !arguments.Size(2, &range.length) || !arguments.Size(3, &advice) ||
      advice >= os::kAdviceCount || !region->Hold()) {
    return ThrowMisuse(env, "advise(handle, offset, length, advice)");
  }
  const os::Status status = region->Advise(range, static_cast<os::Advice>(advice));
  region->Release();
  return NothingOrFailure(env, status);
}

}  // namespace

std::shared_ptr<Region> FromHandle(napi_env env, napi_value object) {
  auto* handle = Unwrap<Handle>(env, object, kHandleTag);
  return handle == nullptr ? nullptr : handle->region;
}

void Register(napi_env env, napi_value exports) {
  Export(env, exports, "mapFile", MapFile);
  Export(env, exports, "createMemoryFile", CreateMemoryFile);
  Export(env, exports, "allocateFile", AllocateFile);
  Export(env, exports, "createWindow", CreateWindow);
  Export(env, exports, "exposeWindow", ExposeWindow);
  Export(env, exports, "detachWindow", DetachWindow);
  Export(env, exports, "closeRegion", CloseRegion);
  Export(env, exports, "regionState", RegionState);
  Export(env, exports, "regionHolds", RegionHolds);
  Export(env, exports, "regionDescriptor", RegionDescriptor);
  Export(env, exports, "flush", Flush);
  Export(env, exports, "flushAsync", FlushAsync);
  Export(env, exports, "advise", Advise);
}

void TearDown(Environment* environment) {
  delete environment->handles;
  environment->handles = nullptr;
}

}  // namespace zerocopy::region
