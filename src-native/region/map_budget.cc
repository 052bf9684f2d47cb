#include "region/map_budget.h"

#include <algorithm>
#include <atomic>

#include "counters.h"
#include "os/memory_map.h"

namespace zerocopy::region {
namespace {

// At most so many maps more than live ones. An upper bound: parts that are treated alike again are one map again, and
// those of an unmapped region are gone. The kernel is asked for the truth when the bound leaves no room.
std::atomic<int64_t> pieces{0};

bool HasRoomFor(int64_t more) {
  if (LiveMaps() + pieces + more <= HardLimit()) return true;
  pieces = std::max<int64_t>(0, os::CountMaps() - LiveMaps());
  return LiveMaps() + pieces + more <= HardLimit();
}

}  // namespace

int64_t LiveMaps() { return counters.regions_mapped - counters.regions_unmapped - counters.regions_parked; }

int64_t SoftLimit() { return std::min<int64_t>(8192, os::MapLimit() / 8); }
int64_t HardLimit() { return os::MapLimit() / 10 * 9; }

bool HasRoomForMap() { return HasRoomFor(1); }

bool MayDivideMap() {
  constexpr int64_t kMore = 2;
  if (!HasRoomFor(kMore)) return false;
  pieces += kMore;
  return true;
}

}  // namespace zerocopy::region
