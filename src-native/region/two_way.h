// The two-way algorithm: finds a needle in a number of steps that grows with the length of the haystack alone,
// whatever is in either, and without memory of its own. M. Crochemore, D. Perrin: Two-way string-matching, JACM 1991.
//
// The needle is cut in two at a *critical* place: there the right part is compared forwards, then the left part
// backwards. A mismatch on the right lets the needle move past the bytes that matched there; after a mismatch on the
// left it moves by the period of the needle (the distance at which it repeats itself), and where the needle is periodic
// what was compared once is not compared again.
#ifndef ZEROCOPY_REGION_TWO_WAY_H_
#define ZEROCOPY_REGION_TWO_WAY_H_

#include <algorithm>
#include <cstdint>

#include "region/search.h"

namespace zerocopy::region {

// Bytes read from the first to the last or, for a search from the end, from the last to the first.
template <bool kBackwards>
class Reading {
 public:
  explicit Reading(Bytes bytes) : bytes_(bytes) {}
  uint64_t length() const { return bytes_.length; }
  uint8_t operator[](uint64_t i) const { return bytes_.data[kBackwards ? bytes_.length - 1 - i : i]; }

 private:
  Bytes bytes_;
};

struct Cut {
  uint64_t at = 0;
  uint64_t period = 1;  // of what begins at the cut
};

// Where the greatest of all suffixes begins, by the order of bytes or, `inverted`, by the opposite order.
template <typename Needle>
Cut GreatestSuffix(const Needle& needle, bool inverted) {
  Cut cut;
  uint64_t other = 1;     // where the suffix begins that the greatest so far is compared with
  uint64_t compared = 0;  // bytes of the two that are equal, inside one period
  while (other + compared < needle.length()) {
    const uint8_t ours = needle[cut.at + compared];
    const uint8_t theirs = needle[other + compared];
    if (ours == theirs) {
      if (++compared < cut.period) continue;
      other += cut.period;
    } else if (inverted ? theirs > ours : theirs < ours) {
      other += compared + 1;
      cut.period = other - cut.at;
    } else {
      cut = {other, 1};
      other++;
    }
    compared = 0;
  }
  return cut;
}

// The later of the two is a critical place.
template <typename Needle>
Cut CriticalCut(const Needle& needle) {
  const Cut one = GreatestSuffix(needle, false);
  const Cut other = GreatestSuffix(needle, true);
  return one.at > other.at ? one : other;
}

// Where the needle, not empty and no longer than the haystack, is found first in the order of reading; kAbsent.
template <bool kBackwards>
uint64_t FindTwoWay(Bytes haystack_bytes, Bytes needle_bytes) {
  const Reading<kBackwards> haystack(haystack_bytes);
  const Reading<kBackwards> needle(needle_bytes);
  const uint64_t length = needle.length();
  Cut cut = CriticalCut(needle);
  bool periodic = cut.at + cut.period <= length;
  for (uint64_t i = 0; periodic && i < cut.at; i++) periodic = needle[i] == needle[i + cut.period];
  if (!periodic) cut.period = std::max(cut.at, length - cut.at) + 1;
  uint64_t known = 0;  // bytes at the needle's begin that were compared one period ago
  for (uint64_t at = 0; at <= haystack.length() - length;) {
    uint64_t right = std::max(cut.at, known);
    while (right < length && needle[right] == haystack[at + right]) right++;
    if (right < length) {
      at += right - cut.at + 1;
      known = 0;
      continue;
    }
    uint64_t left = cut.at;
    while (left > known && needle[left - 1] == haystack[at + left - 1]) left--;
    if (left <= known) return at;
    at += cut.period;
    known = periodic ? length - cut.period : 0;
  }
  return kAbsent;
}

}  // namespace zerocopy::region

#endif  // ZEROCOPY_REGION_TWO_WAY_H_
