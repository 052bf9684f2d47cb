// What JavaScript can do with Regions. It has checked every argument; lengths and offsets are bytes.
#include <errno.h>
#include <node_api.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <utility>
#include <vector>

#include "counters.h"
#include "descriptor_binding.h"
#include "environment.h"
#include "node_values.h"
#include "os/descriptor.h"
#include "os/file.h"
#include "os/memory_map.h"
#include "os/page.h"
#include "region/handle_binding.h"
#include "region/hold_binding.h"
#include "region/map_budget.h"
#include "region/paging_binding.h"
#include "region/region.h"
#include "region/residents_binding.h"
#include "region/search_binding.h"
#include "region/share_binding.h"
#include "region/wait_binding.h"
#include "region/window_binding.h"
#include "region/work_binding.h"

namespace zerocopy::region {
namespace {

// ---- Room for another map -------------------------------------------------------------------------------------

// When to look for what was dropped. It goes up with what is really in use, so that a program with many mappings
// does not pay for a collection at every one.
std::atomic<int64_t> next_reclaim{0};

// Collects garbage now: V8 does so at once when it hears of that much memory outside its heap.
void CollectGarbage(napi_env env) {
  constexpr int64_t kTebibyte = int64_t{1} << 40;
  int64_t now = 0;
  napi_adjust_external_memory(env, kTebibyte, &now);
  napi_adjust_external_memory(env, -kTebibyte, &now);
}

void Reclaim(napi_env env) {
  CollectGarbage(env);
  Environment::From(env)->residents->Reclaim();
  next_reclaim = std::max(SoftLimit(), 2 * LiveMaps());
}

bool HasRoom(napi_env env) {
  if (next_reclaim == 0) next_reclaim = SoftLimit();
  if (LiveMaps() >= next_reclaim || !HasRoomForMap()) Reclaim(env);
  return HasRoomForMap();
}

// ---- Mapping --------------------------------------------------------------------------------------------------

// What `map` answers, a Region, as handle | failure | null for too many maps.
template <typename Map>
napi_value MapWhereThereIsRoom(napi_env env, Map map) {
  if (!HasRoom(env)) return MakeNull(env);
  os::Result<std::shared_ptr<Region>> region = map();
  // With fewer maps of ours, ENOMEM means what it says: there is no such memory.
  if (!region.ok() && region.error().number == ENOMEM && LiveMaps() >= SoftLimit() / 2) {
    Reclaim(env);
    region = map();
  }
  return region.ok() ? MakeHandle(env, std::move(region.value())) : MakeFailure(env, region.error());
}

// mapFile(descriptor, offset, length, access, keepDescriptor, populate): handle | failure | null for too many maps
napi_value MapFile(napi_env env, napi_callback_info info) {
  const Arguments<6> arguments(env, info);
  int descriptor = -1;
  os::ByteRange range;
  uint64_t access = 0;
  MapOptions options;
  if (!arguments.Descriptor(0, &descriptor) || !arguments.Range(1, &range) || !arguments.Size(3, &access) ||
      access > 2 || !arguments.Boolean(4, &options.keep_descriptor) || !arguments.Boolean(5, &options.populate)) {
    return ThrowMisuse(env, "mapFile(descriptor, offset, length, access, keepDescriptor, populate)");
  }
  return MapWhereThereIsRoom(
      env, [&] { return Region::MapFile(descriptor, range, static_cast<os::Access>(access), options); });
}

// mappableLength(descriptor): number | failure
napi_value MappableLength(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  int descriptor = -1;
  if (!arguments.Descriptor(0, &descriptor)) return ThrowMisuse(env, "mappableLength(descriptor)");
  return NumberOrFailure(env, os::MappableLength(descriptor));
}

// mapAgain(handle, length): handle | failure | null for too many maps
napi_value MapAgain(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  const std::shared_ptr<Region> region = arguments.ok() ? FromHandle(env, arguments[0]) : nullptr;
  uint64_t length = 0;
  if (region == nullptr || !arguments.Size(1, &length)) return ThrowMisuse(env, "mapAgain(handle, length)");
  return MapWhereThereIsRoom(env, [&] { return region->MapAgain(length); });
}

// createMemoryFile(name, size, sealed): descriptor | failure
napi_value CreateMemoryFile(napi_env env, napi_callback_info info) {
  const Arguments<3> arguments(env, info);
  char name[250] = {};  // memfd_create(2): at most 249 bytes
  size_t length = 0;
  uint64_t size = 0;
  bool sealed = false;
  if (!arguments.ok() || napi_get_value_string_utf8(env, arguments[0], name, sizeof(name), &length) != napi_ok ||
      !arguments.Size(1, &size) || !arguments.Boolean(2, &sealed)) {
    return ThrowMisuse(env, "createMemoryFile(name, size, sealed)");
  }
  os::Result<os::Descriptor> created = os::CreateMemoryFile(name, size, sealed);
  return created.ok() ? HandOver(env, std::move(created.value())) : MakeFailure(env, created.error());
}

// allocateFile(descriptor, offset, length): undefined | failure
napi_value AllocateFile(napi_env env, napi_callback_info info) {
  const Arguments<3> arguments(env, info);
  int descriptor = -1;
  os::ByteRange range;
  if (!arguments.Descriptor(0, &descriptor) || !arguments.Range(1, &range)) {
    return ThrowMisuse(env, "allocateFile(descriptor, offset, length)");
  }
  return NothingOrFailure(env, os::Allocate(descriptor, range));
}

// ---- One region -----------------------------------------------------------------------------------------------

// A function of one handle that answers a value.
template <napi_value (*kFunction)(napi_env, Region&)>
napi_value OfRegion(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  const std::shared_ptr<Region> region = arguments.ok() ? FromHandle(env, arguments[0]) : nullptr;
  return region == nullptr ? ThrowMisuse(env, "not a region handle") : kFunction(env, *region);
}

napi_value Close(napi_env env, Region& region) { return MakeNumber(env, static_cast<double>(region.Close())); }
napi_value StateOf(napi_env env, Region& region) { return MakeNumber(env, static_cast<double>(region.state())); }
napi_value HoldsOf(napi_env env, Region& region) { return MakeNumber(env, region.holds(Holder::kWork)); }
napi_value BuffersOf(napi_env env, Region& region) { return MakeNumber(env, region.holds(Holder::kRaw)); }
napi_value DescriptorOf(napi_env env, Region& region) { return MakeNumber(env, region.descriptor()); }

// Whether sendfile(2) may send the file in place of the memory
napi_value ShowsFile(napi_env env, Region& region) {
  const std::shared_ptr<Pages> pages = region.pages();
  return MakeBoolean(env, pages != nullptr && pages->file_behind() >= 0);
}

// The length of the file behind it | failure
napi_value FileSizeOf(napi_env env, Region& region) {
  const std::shared_ptr<Pages> pages = region.pages();
  if (pages == nullptr) return MakeFailure(env, {EBADF, "fstat"});
  return NumberOrFailure(env, pages->FileSize());
}

// copyWithin(handle, target, start, length): undefined | failure
napi_value CopyWithin(napi_env env, napi_callback_info info) {
  const Arguments<4> arguments(env, info);
  const std::shared_ptr<Region> region = arguments.ok() ? FromHandle(env, arguments[0]) : nullptr;
  uint64_t target = 0;
  os::ByteRange source;
  if (region == nullptr || !arguments.Size(1, &target) || !arguments.Range(2, &source)) {
    return ThrowMisuse(env, "copyWithin(handle, target, start, length)");
  }
  return NothingOrFailure(env, region->CopyWithin(target, source));
}

// {byteLength, fileOffset, access, faults, faultOffset}; undefined once closed
napi_value FactsOf(napi_env env, Region& region) {
  const std::shared_ptr<Pages> pages = region.pages();
  if (pages == nullptr) return MakeUndefined(env);
  napi_value facts = nullptr;
  if (napi_create_object(env, &facts) != napi_ok) return nullptr;
  SetNamed(env, facts, "byteLength", MakeSize(env, pages->length()));
  SetNamed(env, facts, "fileOffset", MakeSize(env, pages->file_offset()));
  SetNamed(env, facts, "access", MakeNumber(env, static_cast<double>(pages->access())));
  SetNamed(env, facts, "faults", MakeSize(env, pages->faults()));
  SetNamed(env, facts, "faultOffset", MakeSize(env, pages->faults() == 0 ? 0 : pages->fault_offset()));
  return facts;
}

// flush(handle, offset, length): undefined | failure
napi_value Flush(napi_env env, napi_callback_info info) {
  const Arguments<3> arguments(env, info);
  const std::shared_ptr<Region> region = arguments.ok() ? FromHandle(env, arguments[0]) : nullptr;
  os::ByteRange range;
  if (region == nullptr || !arguments.Range(1, &range)) {
    return ThrowMisuse(env, "flush(handle, offset, length)");
  }
  return NothingOrFailure(env, region->Flush(range));
}

// An operation on the thread pool: (handle, offset, length): promise of undefined | failure
napi_value OnPool(napi_env env, napi_callback_info info, Operation operation, const char* name) {
  const Arguments<3> arguments(env, info);
  os::ByteRange range;
  std::shared_ptr<Region> held = arguments.ok() ? Held(FromHandle(env, arguments[0])) : nullptr;
  if (held == nullptr || !arguments.Range(1, &range)) {
    return ThrowMisuse(env, "(handle of an open region, offset, length)");
  }
  return RunOnPool(env, std::move(held), range, operation, name);
}

napi_value FlushAsync(napi_env env, napi_callback_info info) {
  return OnPool(env, info, &Region::Flush, "zerocopy:flush");
}

napi_value Prefetch(napi_env env, napi_callback_info info) {
  return OnPool(env, info, &Region::Prefetch, "zerocopy:prefetch");
}

// advise(handle, offset, length, advice): undefined | failure
napi_value Advise(napi_env env, napi_callback_info info) {
  const Arguments<4> arguments(env, info);
  const std::shared_ptr<Region> region = arguments.ok() ? FromHandle(env, arguments[0]) : nullptr;
  os::ByteRange range;
  uint64_t advice = 0;
  if (region == nullptr || !arguments.Range(1, &range) || !arguments.Size(3, &advice) || advice >= os::kAdviceCount) {
    return ThrowMisuse(env, "advise(handle, offset, length, advice)");
  }
  if (!MayDivideMap()) return MakeNull(env);
  return NothingOrFailure(env, region->Advise(range, static_cast<os::Advice>(advice)));
}

napi_value MakeList(napi_env env, const std::vector<napi_value>& values) {
  return MakeArray(env, values, [](napi_value value) { return value; });
}

// liveHandles(): the handles that JavaScript still has
napi_value LiveHandles(napi_env env, napi_callback_info) {
  return MakeList(env, Environment::From(env)->residents->LiveHandles());
}

// exposedWindows(handle): the buffers that were handed out and are still alive
napi_value ExposedWindows(napi_env env, Region& region) {
  return MakeList(env, Environment::From(env)->residents->ExposedWindows(&region));
}

// ---- Faults ---------------------------------------------------------------------------------------------------

// faultEpoch(): an ArrayBuffer over the counter itself
napi_value FaultEpoch(napi_env env, napi_callback_info) {
  napi_value buffer = nullptr;
  static_assert(sizeof(fault_epoch) == sizeof(uint32_t), "JavaScript reads it as a Uint32Array");
  napi_create_external_arraybuffer(env, &fault_epoch, sizeof(fault_epoch), nullptr, nullptr, &buffer);
  return buffer;
}

// installFaultHandler(): once more, because somebody has replaced it
napi_value InstallFaultHandler(napi_env env, napi_callback_info) {
  Pages::InstallFaultHandler();
  return MakeUndefined(env);
}

}  // namespace

void Register(napi_env env, napi_value exports) {
  Environment::From(env)->residents = new Residents(env);
  Export(env, exports, "mappableLength", MappableLength);
  Export(env, exports, "mapFile", MapFile);
  Export(env, exports, "mapAgain", MapAgain);
  Export(env, exports, "createMemoryFile", CreateMemoryFile);
  Export(env, exports, "allocateFile", AllocateFile);
  Export(env, exports, "closeRegion", OfRegion<Close>);
  Export(env, exports, "regionState", OfRegion<StateOf>);
  Export(env, exports, "regionHolds", OfRegion<HoldsOf>);
  Export(env, exports, "regionBuffers", OfRegion<BuffersOf>);
  Export(env, exports, "regionDescriptor", OfRegion<DescriptorOf>);
  Export(env, exports, "regionShowsFile", OfRegion<ShowsFile>);
  Export(env, exports, "regionFileSize", OfRegion<FileSizeOf>);
  Export(env, exports, "copyWithin", CopyWithin);
  Export(env, exports, "regionFacts", OfRegion<FactsOf>);
  Export(env, exports, "flush", Flush);
  Export(env, exports, "flushAsync", FlushAsync);
  Export(env, exports, "prefetch", Prefetch);
  Export(env, exports, "advise", Advise);
  Export(env, exports, "liveHandles", LiveHandles);
  Export(env, exports, "exposedWindows", OfRegion<ExposedWindows>);
  Export(env, exports, "faultEpoch", FaultEpoch);
  Export(env, exports, "installFaultHandler", InstallFaultHandler);
  RegisterHolds(env, exports);
  RegisterPaging(env, exports);
  RegisterSearch(env, exports);
  RegisterSharing(env, exports);
  RegisterWaits(env, exports);
  RegisterWindows(env, exports);
}

void TearDown(Environment* environment) {
  TearDownWaits(environment);
  delete environment->residents;
  environment->residents = nullptr;
}

}  // namespace zerocopy::region
