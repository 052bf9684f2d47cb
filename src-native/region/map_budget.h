// How many of the kernel's maps this process uses, and may use: V8 itself aborts when the kernel gives no more.
#ifndef ZEROCOPY_REGION_MAP_BUDGET_H_
#define ZEROCOPY_REGION_MAP_BUDGET_H_

#include <cstdint>

namespace zerocopy::region {

// Regions that cost the process a map.
int64_t LiveMaps();

// Above the soft limit dropped mappings are reclaimed; at the hard limit mapping is refused.
int64_t SoftLimit();
int64_t HardLimit();

// True if the process may have another map: beside the live ones, those are counted into which advice and locks on
// parts of maps may have divided them.
bool HasRoomForMap();

// To be asked before a part of a map is treated unlike the rest, which makes up to three maps of it; false when
// there is no room.
bool MayDivideMap();

}  // namespace zerocopy::region

#endif  // ZEROCOPY_REGION_MAP_BUDGET_H_
