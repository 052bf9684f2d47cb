// One byte is looked for by memchr(3), or stripe by stripe. Of a longer needle two bytes are chosen that are rare where
// the search stands. While the rarer of them is not seen at all, it is looked for alone; then stripes are looked
// through for places that have both, at their distance:
//
//     needle      e r r o r :   42          the pair: 'o' and ':'
//     haystack    . . . . . . o . : . .     one stripe from the first, one from the second; few places have both
//
// Those few are compared with the whole needle, and where one differs becomes the second place. Where they are not few,
// in bytes made for it or by bad luck, comparing is given up before it has cost more than the two-way algorithm would
// have, and that one finishes the stretch.
#include "region/search.h"

#include <algorithm>
#include <cstring>

#include "region/stripe.h"
#include "region/two_way.h"

namespace zerocopy::region {
namespace {

// The pair is chosen anew at every stretch: what is rare changes on the way through a file.
constexpr uint64_t kStretch = uint64_t{4} << 20;
// Bytes sampled to learn what is rare; not worth it for short haystacks.
constexpr uint64_t kSample = 1024;
// The pair is chosen among so many first bytes of the needle: further apart they would lie in different pages.
constexpr uint64_t kPairReach = 256;

// Costs in steps of the two-way algorithm, which takes one for each byte: of comparing a candidate with the needle, and
// of finding a byte among others, which costs as much as looking through so many where it is not.
constexpr uint64_t kComparisonCost = 8;
constexpr uint64_t kBytesPerStep = 4;
constexpr uint64_t kBytesPerHit = 512;
constexpr uint64_t kPatience = 4096;

uint64_t FirstByte(Bytes haystack, uint8_t byte) {
  const void* found = haystack.length == 0 ? nullptr : std::memchr(haystack.data, byte, haystack.length);
  return found == nullptr ? kAbsent : static_cast<uint64_t>(static_cast<const uint8_t*>(found) - haystack.data);
}

// memrchr(3) is no part of C.
uint64_t LastByte(Bytes haystack, uint8_t byte) {
  uint64_t left = haystack.length;
  for (; left >= kStripe; left -= kStripe) {
    const uint64_t mask = Stripe::Equal(haystack.data + left - kStripe, byte);
    if (mask != 0) return left - kStripe + HighestBit(mask);
  }
  while (left > 0) {
    if (haystack.data[--left] == byte) return left;
  }
  return kAbsent;
}

// The place of the byte of the needle that is rarest by `counts`, and not the byte `except` unless there is no other.
uint64_t Rarest(Bytes needle, const uint16_t (&counts)[256], int except) {
  uint64_t rarest = 0;
  uint32_t best = UINT32_MAX;
  for (uint64_t i = 0; i < std::min(needle.length, kPairReach); i++) {
    const uint32_t count = counts[needle.data[i]] + (needle.data[i] == except ? uint32_t{UINT16_MAX} : 0);
    if (count < best) {
      best = count;
      rarest = i;
    }
  }
  return rarest;
}

// A part of the haystack, and the *candidates* in it: places where the needle, of two bytes or more, could begin. They
// are looked at from the first to the last, or backwards.
template <bool kBackwards>
class Stretch {
 public:
  // The haystack is at least as long as the needle.
  Stretch(Bytes haystack, Bytes needle)
      : haystack_(haystack), needle_(needle), candidates_(haystack.length - needle.length + 1), left_(candidates_) {}

  // The first place of the needle in the order of looking; kAbsent.
  uint64_t Find() {
    uint64_t place = kAbsent;
    if (ChoosePair()) place = FindByByte();
    if (place == kAbsent && left_ > 0) place = FindByPair();
    if (place == kAbsent && left_ > 0) place = FindByTwoWay();
    return place;
  }

 private:
  // Chooses two places of the needle; answers whether the first has a byte that is not there in the sample.
  bool ChoosePair() {
    second_ = std::min(needle_.length, kPairReach) - 1;
    if (haystack_.length < 4 * kSample) return false;
    uint16_t counts[256] = {};
    const uint8_t* sample = haystack_.data + (kBackwards ? haystack_.length - kSample : 0);
    for (uint64_t i = 0; i < kSample; i++) counts[sample[i]]++;
    first_ = Rarest(needle_, counts, -1);
    const uint64_t other = Rarest(needle_, counts, needle_.data[first_]);
    if (other != first_) second_ = other;  // else all are the same byte, and the first is at 0
    return counts[needle_.data[first_]] == 0;
  }

  // The three ways to look at what is left. Each answers a place, or kAbsent; `left_` is then what it gave up on.

  uint64_t FindByByte() {
    for (uint64_t hits = 1; left_ > 0; hits++) {
      const Bytes here = {haystack_.data + FirstLeft() + first_, left_};
      const uint8_t byte = needle_.data[first_];
      const uint64_t at = kBackwards ? LastByte(here, byte) : FirstByte(here, byte);
      const uint64_t place = FirstLeft() + at;
      left_ = at == kAbsent ? 0 : kBackwards ? at : left_ - at - 1;
      if (at == kAbsent) return kAbsent;
      if (IsAt(place)) return place;
      if (IsTooDear() || hits * kBytesPerHit > LookedAt() + kPatience) return kAbsent;
    }
    return kAbsent;
  }

  uint64_t FindByPair() {
    while (left_ > 0) {
      const uint64_t width = std::min(left_, kStripe);
      const uint64_t place = kBackwards ? left_ - width : FirstLeft();
      for (uint64_t mask = HavePair(place, width); mask != 0;) {
        if (IsTooDear()) return kAbsent;
        const uint64_t bit = kBackwards ? HighestBit(mask) : LowestBit(mask);
        if (IsAt(place + bit)) return place + bit;
        mask &= ~(uint64_t{1} << bit);
      }
      left_ -= width;
    }
    return kAbsent;
  }

  uint64_t FindByTwoWay() {
    const Bytes rest = {haystack_.data + FirstLeft(), left_ + needle_.length - 1};
    const uint64_t read = FindTwoWay<kBackwards>(rest, needle_);
    if (read == kAbsent) return kAbsent;
    return FirstLeft() + (kBackwards ? left_ - 1 - read : read);
  }

  uint64_t LookedAt() const { return candidates_ - left_; }
  uint64_t FirstLeft() const { return kBackwards ? 0 : candidates_ - left_; }

  // Which of `width` candidates from `place` on, a stripe or less, have both bytes of the pair.
  uint64_t HavePair(uint64_t place, uint64_t width) const {
    const uint8_t* firsts = haystack_.data + place + first_;
    const uint8_t* seconds = haystack_.data + place + second_;
    const uint8_t first = needle_.data[first_];
    const uint8_t second = needle_.data[second_];
    if (width == kStripe) return Stripe::BothEqual(firsts, first, seconds, second);
    uint64_t mask = 0;
    for (uint64_t i = 0; i < width; i++) mask |= uint64_t{firsts[i] == first && seconds[i] == second} << i;
    return mask;
  }

  bool IsAt(uint64_t place) {
    const uint64_t equal = EqualAt(place);
    cost_ += kComparisonCost + equal / kBytesPerStep;
    if (equal == needle_.length) return true;
    // What told them apart may tell the next ones apart: in lines of a log many places look alike.
    if (equal < kPairReach) second_ = equal;
    return false;
  }

  // How many bytes are those of the needle.
  uint64_t EqualAt(uint64_t place) const {
    const uint8_t* bytes = haystack_.data + place;
    uint64_t equal = 0;
    for (; needle_.length - equal >= kStripe; equal += kStripe) {
      const uint64_t differ = Stripe::Differ(bytes + equal, needle_.data + equal);
      if (differ != 0) return equal + LowestBit(differ);
    }
    while (equal < needle_.length && bytes[equal] == needle_.data[equal]) equal++;
    return equal;
  }

  bool IsTooDear() const { return cost_ > kPatience + LookedAt(); }

  const Bytes haystack_;
  const Bytes needle_;
  const uint64_t candidates_;
  uint64_t left_;       // of the candidates
  uint64_t first_ = 0;  // the pair, places in the needle
  uint64_t second_ = 0;
  uint64_t cost_ = 0;  // of comparing
};

template <bool kBackwards>
uint64_t FindInStretches(Bytes haystack, Bytes needle) {
  const uint64_t candidates = haystack.length - needle.length + 1;
  // Each stretch reads a needle's length beyond its candidates: that must not be what takes the time.
  const uint64_t stretch = std::max(kStretch, 4 * needle.length);
  for (uint64_t left = candidates; left > 0;) {
    const uint64_t width = std::min(left, stretch);
    const uint64_t begin = kBackwards ? left - width : candidates - left;
    const Bytes part = {haystack.data + begin, width + needle.length - 1};
    const uint64_t place = Stretch<kBackwards>(part, needle).Find();
    if (place != kAbsent) return begin + place;
    left -= width;
  }
  return kAbsent;
}

}  // namespace

uint64_t FindFirst(Bytes haystack, Bytes needle) {
  if (needle.length > haystack.length) return kAbsent;
  if (needle.length == 0) return 0;
  return needle.length == 1 ? FirstByte(haystack, needle.data[0]) : FindInStretches<false>(haystack, needle);
}

uint64_t FindLast(Bytes haystack, Bytes needle) {
  if (needle.length > haystack.length) return kAbsent;
  if (needle.length == 0) return haystack.length;
  return needle.length == 1 ? LastByte(haystack, needle.data[0]) : FindInStretches<true>(haystack, needle);
}

uint64_t FindEach(Bytes haystack, uint8_t byte, uint32_t* places, uint64_t capacity) {
  uint64_t count = 0;
  uint64_t at = 0;
  for (; haystack.length - at >= kStripe; at += kStripe) {
    for (uint64_t mask = Stripe::Equal(haystack.data + at, byte); mask != 0; mask &= mask - 1) {
      if (count == capacity) return count;
      places[count++] = static_cast<uint32_t>(at + LowestBit(mask));
    }
  }
  for (; at < haystack.length && count < capacity; at++) {
    if (haystack.data[at] == byte) places[count++] = static_cast<uint32_t>(at);
  }
  return count;
}

}  // namespace zerocopy::region
