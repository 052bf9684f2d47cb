// Looking for bytes: against the plainest search there is, at the edges of memory, and where that plain one would
// take hours.
#include "region/search.h"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <string>

#include "check.h"
#include "region/stripe.h"
#include "region/two_way.h"

namespace {

using zerocopy::region::Bytes;
using zerocopy::region::FindEach;
using zerocopy::region::FindFirst;
using zerocopy::region::FindLast;
using zerocopy::region::FindTwoWay;
using zerocopy::region::HighestBit;
using zerocopy::region::kAbsent;
using zerocopy::region::kStripe;
using zerocopy::region::LowestBit;
using zerocopy::region::PortableStripe;
using zerocopy::region::Stripe;

Bytes BytesOf(const std::string& text) { return {reinterpret_cast<const uint8_t*>(text.data()), text.size()}; }

// std::string's search compares byte by byte; npos is kAbsent.
uint64_t PlainFirst(const std::string& haystack, const std::string& needle) { return haystack.find(needle); }
uint64_t PlainLast(const std::string& haystack, const std::string& needle) { return haystack.rfind(needle); }

// The same numbers at every run.
class Random {
 public:
  uint64_t Below(uint64_t limit) {
    state_ = state_ * 6364136223846793005 + 1442695040888963407;
    return (state_ >> 33) % limit;
  }

  std::string Text(uint64_t length, uint64_t letters) {
    std::string text(length, 'a');
    for (char& letter : text) letter = static_cast<char>('a' + Below(letters));
    return text;
  }

 private:
  uint64_t state_ = 1;
};

void CheckBoth(const std::string& haystack, const std::string& needle) {
  CHECK(FindFirst(BytesOf(haystack), BytesOf(needle)) == PlainFirst(haystack, needle));
  CHECK(FindLast(BytesOf(haystack), BytesOf(needle)) == PlainLast(haystack, needle));
}

TEST(SearchFindsWhatThePlainestSearchFinds) {
  Random random;
  for (int round = 0; round < 20000; round++) {
    const std::string haystack = random.Text(random.Below(300), 1 + random.Below(4));
    const bool taken = random.Below(2) == 0 && !haystack.empty();
    const uint64_t from = taken ? random.Below(haystack.size()) : 0;
    CheckBoth(haystack, taken ? haystack.substr(from, random.Below(80)) : random.Text(random.Below(9), 4));
  }
}

TEST(SearchFindsInTextLongEnoughToChooseAPair) {
  Random random;
  for (int round = 0; round < 300; round++) {
    std::string haystack = random.Text(5000 + random.Below(20000), 2 + random.Below(24));
    std::string needle = random.Text(2 + random.Below(400), 2 + random.Below(25));
    CheckBoth(haystack, needle);
    haystack.replace(random.Below(haystack.size() - needle.size()), needle.size(), needle);
    haystack.replace(random.Below(haystack.size() - needle.size()), needle.size(), needle);
    CheckBoth(haystack, needle);
    needle.back() = '!';
    haystack.replace(random.Below(haystack.size() - needle.size()), needle.size(), needle);
    CheckBoth(haystack, needle);
  }
}

// Of periodic needles every length and every kind of cut.
TEST(SearchByTwoWayFindsPeriodicNeedles) {
  Random random;
  for (int round = 0; round < 20000; round++) {
    const std::string period = random.Text(1 + random.Below(6), 1 + random.Below(3));
    std::string needle;
    while (needle.size() < 1 + random.Below(24)) needle += period;
    if (needle.empty()) needle = "a";
    std::string haystack = random.Text(random.Below(30), 2);
    for (int i = 0; i < 4; i++) haystack += random.Below(2) == 0 ? needle.substr(random.Below(needle.size())) : period;
    if (haystack.size() < needle.size()) continue;
    CHECK(FindTwoWay<false>(BytesOf(haystack), BytesOf(needle)) == PlainFirst(haystack, needle));
    const uint64_t last = FindTwoWay<true>(BytesOf(haystack), BytesOf(needle));
    const uint64_t want = PlainLast(haystack, needle);
    CHECK(want == std::string::npos ? last == kAbsent : last == haystack.size() - needle.size() - want);
  }
}

TEST(SearchKnowsTheEmptyAndTheTooLong) {
  CHECK(FindFirst({}, {}) == 0 && FindLast({}, {}) == 0);
  CHECK(FindFirst({}, BytesOf("a")) == kAbsent && FindLast({}, BytesOf("ab")) == kAbsent);
  CHECK(FindFirst(BytesOf("abc"), {}) == 0 && FindLast(BytesOf("abc"), {}) == 3);
  CheckBoth("abc", "abcd");
  CheckBoth("abc", "abc");
}

// Memory between two pages that nobody may read.
class Guarded {
 public:
  static constexpr uint64_t kPage = 4096;
  static constexpr uint64_t kLength = 4 * kPage;

  Guarded() {
    void* memory = mmap(nullptr, kLength + 2 * kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) std::abort();
    data_ = static_cast<uint8_t*>(memory) + kPage;
    if (mprotect(data_, kLength, PROT_READ | PROT_WRITE) != 0) std::abort();
    std::memset(data_, '.', kLength);
  }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;
  ~Guarded() { (void)munmap(data_ - kPage, kLength + 2 * kPage); }

  // The first or the last `length` bytes: touching one of the pages around them ends the process.
  Bytes First(uint64_t length) const { return {data_, length}; }
  Bytes Last(uint64_t length) const { return {data_ + (kLength - length), length}; }
  uint8_t* data() const { return data_; }

 private:
  uint8_t* data_ = nullptr;
};

TEST(SearchReadsNothingOutsideItsRange) {
  const Guarded memory;
  uint32_t places[4];
  for (uint64_t length = 0; length < 300; length++) {
    for (const char* needle : {"x", "xy", ".x", "x.", "...........x", "x..........."}) {
      for (const Bytes range : {memory.First(length), memory.Last(length)}) {
        CHECK(FindFirst(range, BytesOf(needle)) == kAbsent && FindLast(range, BytesOf(needle)) == kAbsent);
        CHECK(FindEach(range, 'x', places, 4) == 0);
      }
    }
  }
  for (const std::string& needle : {std::string(200, '.') + "x", "x" + std::string(200, '.'), std::string("x")}) {
    const Bytes all = memory.First(Guarded::kLength);
    CHECK(FindFirst(all, BytesOf(needle)) == kAbsent && FindLast(all, BytesOf(needle)) == kAbsent);
  }
}

TEST(SearchFindsTheFirstAndTheLastBytesOfItsRange) {
  const Guarded memory;
  const Bytes all = memory.First(Guarded::kLength);
  std::memcpy(memory.data(), "begin", 5);
  std::memcpy(memory.data() + Guarded::kLength - 3, "end", 3);
  CHECK(FindFirst(all, BytesOf("begin")) == 0 && FindLast(all, BytesOf("begin")) == 0);
  CHECK(FindFirst(all, BytesOf("end")) == Guarded::kLength - 3 &&
        FindLast(all, BytesOf("end")) == Guarded::kLength - 3);
  CHECK(FindLast(all, BytesOf("b")) == 0 && FindFirst(all, BytesOf("d")) == Guarded::kLength - 1);
}

std::string Joined(std::initializer_list<std::string> parts) {
  std::string joined;
  for (const std::string& part : parts) joined += part;
  return joined;
}

// Compared place by place these take some 10^12 steps, hours; here they take less than a second.
TEST(SearchIsLinearInItsWorstCases) {
  constexpr uint64_t kHaystack = uint64_t{8} << 20;
  constexpr uint64_t kHalf = uint64_t{1} << 18;
  const std::string as(kHaystack, 'a');
  const std::string half(kHalf, 'a');
  for (const std::string& needle : {Joined({half, "b", half}), Joined({"b", half}), Joined({half, "b"})}) {
    CHECK(FindFirst(BytesOf(as), BytesOf(needle)) == kAbsent && FindLast(BytesOf(as), BytesOf(needle)) == kAbsent);
  }
  std::string pairs;
  while (pairs.size() < kHaystack) pairs += "ab";
  const std::string needle = Joined({pairs.substr(0, kHalf), "bb", pairs.substr(0, kHalf)});
  CHECK(FindFirst(BytesOf(pairs), BytesOf(needle)) == kAbsent && FindLast(BytesOf(pairs), BytesOf(needle)) == kAbsent);
  // Blocks of a needle that differs in its middle only.
  const std::string block = half + "c";
  std::string almost;
  while (almost.size() < kHaystack) almost += block;
  const std::string wanted = Joined({half.substr(1), "c", half, "d"});
  CHECK(FindFirst(BytesOf(almost), BytesOf(wanted)) == kAbsent &&
        FindLast(BytesOf(almost), BytesOf(wanted)) == kAbsent);
}

TEST(SearchGoesOnFromStretchToStretch) {
  constexpr uint64_t kStretch = uint64_t{4} << 20;
  std::string text(3 * kStretch, '.');
  for (const uint64_t edge : {kStretch, 2 * kStretch}) {
    for (uint64_t at = edge - 12; at <= edge + 12; at += 3) {
      std::string with = text;
      with.replace(at, 10, "wanted now");
      CHECK(FindFirst(BytesOf(with), BytesOf("wanted now")) == at &&
            FindLast(BytesOf(with), BytesOf("wanted now")) == at);
    }
  }
}

TEST(SearchListsEachByteAndStopsWhereThereIsNoRoom) {
  Random random;
  uint32_t places[500];
  for (int round = 0; round < 2000; round++) {
    const std::string text = random.Text(random.Below(500), 1 + random.Below(20));
    const uint64_t capacity = random.Below(200);
    const uint64_t count = FindEach(BytesOf(text), 'a', places, capacity);
    uint64_t want = 0;
    for (uint64_t i = 0; i < text.size() && want < capacity; i++) {
      if (text[i] != 'a') continue;
      CHECK(want < count && places[want] == i);
      want++;
    }
    CHECK(count == want);
  }
}

TEST(SearchStripesOfThisProcessorAnswerAsThePlainOnes) {
  Random random;
  for (int round = 0; round < 5000; round++) {
    const std::string text = random.Text(2 * kStripe, 1 + random.Below(30));
    const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
    const uint64_t other = random.Below(kStripe);
    const uint64_t mask = PortableStripe::Equal(bytes, 'a');
    CHECK(Stripe::Equal(bytes, 'a') == mask);
    CHECK(Stripe::BothEqual(bytes, 'a', bytes + other, 'b') == (mask & PortableStripe::Equal(bytes + other, 'b')));
    CHECK(PortableStripe::BothEqual(bytes, 'a', bytes + other, 'b') ==
          (mask & PortableStripe::Equal(bytes + other, 'b')));
    CHECK(Stripe::Differ(bytes, bytes + other) == PortableStripe::Differ(bytes, bytes + other));
    CHECK(Stripe::Differ(bytes, bytes) == 0);
    if (mask == 0) continue;
    CHECK(text.find('a') == LowestBit(mask) && text.rfind('a', kStripe - 1) == HighestBit(mask));
  }
}

}  // namespace
