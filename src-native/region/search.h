// Looking for bytes in bytes, at the speed of memory for every needle, and in linear time for the worst.
//
// Memory may change meanwhile, or turn into zeros (pages.h): what is answered was there when it was looked at, and
// nothing outside of the two ranges is ever read.
#ifndef ZEROCOPY_REGION_SEARCH_H_
#define ZEROCOPY_REGION_SEARCH_H_

#include <cstdint>

namespace zerocopy::region {

struct Bytes {
  const uint8_t* data = nullptr;
  uint64_t length = 0;
};

constexpr uint64_t kAbsent = UINT64_MAX;

// Where in the haystack the needle begins, the first time or the last; kAbsent. An empty needle is found at the
// haystack's begin, or its end. The needle must not change meanwhile.
uint64_t FindFirst(Bytes haystack, Bytes needle);
uint64_t FindLast(Bytes haystack, Bytes needle);

// The places of a byte, in order, as many as `places` has room for; answers how many. The haystack is at most
// UINT32_MAX bytes long.
uint64_t FindEach(Bytes haystack, uint8_t byte, uint32_t* places, uint64_t capacity);

}  // namespace zerocopy::region

#endif  // ZEROCOPY_REGION_SEARCH_H_
