#include "region/search_binding.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "node_values.h"
#include "os/byte_range.h"
#include "pool_work_binding.h"
#include "region/handle_binding.h"
#include "region/region.h"
#include "region/search.h"
#include "tagged_object_binding.h"

namespace zerocopy::region {
namespace {

const napi_type_tag kSearchTag = TagOf(0x2f9d6c1be3a84750);

// Where in the Region the needle is, the first time inside `range` or the last; kAbsent. The caller holds the Region,
// or knows it to be open.
uint64_t FindIn(const Region& region, os::ByteRange range, Bytes needle, bool last) {
  const Bytes haystack = {region.data() + range.offset, range.length};
  const uint64_t place = last ? FindLast(haystack, needle) : FindFirst(haystack, needle);
  return place == kAbsent ? kAbsent : range.offset + place;
}

napi_value MakePlace(napi_env env, uint64_t place) {
  return place == kAbsent ? MakeNumber(env, -1) : MakeSize(env, place);
}

bool ReadNeedle(napi_env env, napi_value value, Bytes* needle) {
  void* data = nullptr;
  size_t length = 0;
  if (!ReadArray(env, value, napi_uint8_array, &data, &length)) return false;
  *needle = {static_cast<const uint8_t*>(data), length};
  return true;
}

// The open Region and the range inside it of (handle, …, offset, length); the numbers begin at argument `first`.
template <size_t kCount>
std::shared_ptr<Region> OpenRange(napi_env env, const Arguments<kCount>& arguments, size_t first,
                                  os::ByteRange* range) {
  std::shared_ptr<Region> region = arguments.ok() ? FromHandle(env, arguments[0]) : nullptr;
  const bool right = region != nullptr && arguments.Range(first, range) && os::Fits(*range, region->length()) &&
                     region->state() == State::kOpen;
  return right ? region : nullptr;
}

// find(handle, needle, offset, length, last): place | -1. Nobody changes the needle: JavaScript has made it for this.
napi_value Find(napi_env env, napi_callback_info info) {
  const Arguments<5> arguments(env, info);
  os::ByteRange range;
  Bytes needle;
  bool last = false;
  const std::shared_ptr<Region> region = OpenRange(env, arguments, 2, &range);
  if (region == nullptr || !ReadNeedle(env, arguments[1], &needle) || !arguments.Boolean(4, &last)) {
    return ThrowMisuse(env, "find(handle of an open region, needle, offset, length, last)");
  }
  return MakePlace(env, FindIn(*region, range, needle, last));
}

// findEach(handle, byte, offset, length, places): how many; places count from `offset`
napi_value FindEachByte(napi_env env, napi_callback_info info) {
  const Arguments<5> arguments(env, info);
  os::ByteRange range;
  uint64_t byte = 0;
  void* places = nullptr;
  size_t capacity = 0;
  const std::shared_ptr<Region> region = OpenRange(env, arguments, 2, &range);
  if (region == nullptr || range.length > UINT32_MAX || !arguments.Size(1, &byte) || byte > UINT8_MAX ||
      !ReadArray(env, arguments[4], napi_uint32_array, &places, &capacity)) {
    return ThrowMisuse(env, "findEach(handle of an open region, byte, offset, length, places)");
  }
  const Bytes haystack = {region->data() + range.offset, range.length};
  return MakeSize(env, FindEach(haystack, static_cast<uint8_t>(byte), static_cast<uint32_t*>(places), capacity));
}

// ---- In turns, on the thread pool -----------------------------------------------------------------------------

// What all turns of a search have in common. It holds the Region until the search was ended, or its handle collected,
// and no turn is under way any more.
class Search {
 public:
  Search(std::shared_ptr<Region> held, Bytes needle)
      : region_(std::move(held)), needle_(needle.data, needle.data + needle.length) {}

  const Region& region() const { return *region_; }
  Bytes needle() const { return {needle_.data(), needle_.size()}; }

 private:
  const std::shared_ptr<Region> region_;
  const std::vector<uint8_t> needle_;
};

using SearchReference = std::shared_ptr<Search>;

class SearchTurn {
 public:
  SearchTurn(SearchReference search, os::ByteRange range, bool last)
      : search_(std::move(search)), range_(range), last_(last) {}

  void Run() { place_ = FindIn(search_->region(), range_, search_->needle(), last_); }
  napi_value Answer(napi_env env) const { return MakePlace(env, place_); }

 private:
  const SearchReference search_;
  const os::ByteRange range_;
  const bool last_;
  uint64_t place_ = kAbsent;
};

// beginSearch(handle, needle): search
napi_value BeginSearch(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  std::shared_ptr<Region> region = arguments.ok() ? Held(FromHandle(env, arguments[0])) : nullptr;
  Bytes needle;
  if (region == nullptr || !ReadNeedle(env, arguments[1], &needle)) {
    return ThrowMisuse(env, "beginSearch(handle of an open region, needle)");
  }
  auto search = std::make_unique<SearchReference>(new Search(std::move(region), needle));
  return Wrap(env, std::move(search), kSearchTag);
}

// searchTurn(search, offset, length, last): promise of place | -1
napi_value RunTurn(napi_env env, napi_callback_info info) {
  const Arguments<4> arguments(env, info);
  const auto* search = arguments.ok() ? Unwrap<SearchReference>(env, arguments[0], kSearchTag) : nullptr;
  os::ByteRange range;
  bool last = false;
  if (search == nullptr || *search == nullptr || !arguments.Range(1, &range) ||
      !os::Fits(range, (*search)->region().length()) || !arguments.Boolean(3, &last)) {
    return ThrowMisuse(env, "searchTurn(search, offset, length, last)");
  }
  return RunOnPool(env, std::make_unique<SearchTurn>(*search, range, last), "zerocopy:search");
}

// endSearch(search): idempotent
napi_value EndSearch(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  auto* search = arguments.ok() ? Unwrap<SearchReference>(env, arguments[0], kSearchTag) : nullptr;
  if (search == nullptr) return ThrowMisuse(env, "endSearch(search)");
  search->reset();
  return MakeUndefined(env);
}

}  // namespace

void RegisterSearch(napi_env env, napi_value exports) {
  Export(env, exports, "find", Find);
  Export(env, exports, "findEach", FindEachByte);
  Export(env, exports, "beginSearch", BeginSearch);
  Export(env, exports, "searchTurn", RunTurn);
  Export(env, exports, "endSearch", EndSearch);
}

}  // namespace zerocopy::region
