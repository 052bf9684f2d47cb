// 64 bytes compared at once: SSE2 and NEON are part of every x86-64 and arm64 processor, so nothing is asked at run
// time; other processors, and other compilers, get plain loops.
//
//     bytes     . . a . . . a . …  (64)
//     mask      0 0 1 0 0 0 1 0 …  bit i says whether byte i is equal
#ifndef ZEROCOPY_REGION_STRIPE_H_
#define ZEROCOPY_REGION_STRIPE_H_

#include <cstdint>

#if defined(__SSE2__) || defined(_M_X64)
#include <emmintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif
#if defined(_MSC_VER)
#include <intrin.h>
#endif

namespace zerocopy::region {

constexpr uint64_t kStripe = 64;

struct PortableStripe {
  // Bytes of the stripe at `bytes` that are `byte`.
  static uint64_t Equal(const uint8_t* bytes, uint8_t byte) {
    uint64_t mask = 0;
    for (uint64_t i = 0; i < kStripe; i++) mask |= uint64_t{bytes[i] == byte} << i;
    return mask;
  }

  // Places of two stripes where the one has `byte` and the other `other_byte`.
  static uint64_t BothEqual(const uint8_t* bytes, uint8_t byte, const uint8_t* others, uint8_t other_byte) {
    const uint64_t mask = Equal(bytes, byte);
    return mask == 0 ? 0 : mask & Equal(others, other_byte);
  }

  // Places where the two stripes differ.
  static uint64_t Differ(const uint8_t* bytes, const uint8_t* others) {
    uint64_t mask = 0;
    for (uint64_t i = 0; i < kStripe; i++) mask |= uint64_t{bytes[i] != others[i]} << i;
    return mask;
  }
};

#if defined(__SSE2__) || defined(_M_X64)

struct VectorStripe {
  static uint64_t Equal(const uint8_t* bytes, uint8_t byte) {
    const __m128i wanted = _mm_set1_epi8(static_cast<char>(byte));
    const auto part = [&](uint64_t at) { return _mm_cmpeq_epi8(Load(bytes + at), wanted); };
    return Mask(part(0), part(16), part(32), part(48));
  }

  static uint64_t BothEqual(const uint8_t* bytes, uint8_t byte, const uint8_t* others, uint8_t other_byte) {
    const __m128i wanted = _mm_set1_epi8(static_cast<char>(byte));
    const __m128i other_wanted = _mm_set1_epi8(static_cast<char>(other_byte));
    const auto part = [&](uint64_t at) {
      return _mm_and_si128(_mm_cmpeq_epi8(Load(bytes + at), wanted), _mm_cmpeq_epi8(Load(others + at), other_wanted));
    };
    return Mask(part(0), part(16), part(32), part(48));
  }

  static uint64_t Differ(const uint8_t* bytes, const uint8_t* others) {
    const auto part = [&](uint64_t at) { return _mm_cmpeq_epi8(Load(bytes + at), Load(others + at)); };
    return ~Mask(part(0), part(16), part(32), part(48));
  }

 private:
  static __m128i Load(const uint8_t* bytes) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes)); }

  static uint64_t Bits(__m128i part) { return static_cast<uint32_t>(_mm_movemask_epi8(part)); }

  // In most stripes nothing is equal: one test finds that out.
  static uint64_t Mask(__m128i a, __m128i b, __m128i c, __m128i d) {
    if (Bits(_mm_or_si128(_mm_or_si128(a, b), _mm_or_si128(c, d))) == 0) return 0;
    return Bits(a) | Bits(b) << 16 | Bits(c) << 32 | Bits(d) << 48;
  }
};
using Stripe = VectorStripe;

#elif defined(__aarch64__)

struct VectorStripe {
  static uint64_t Equal(const uint8_t* bytes, uint8_t byte) {
    const uint8x16_t wanted = vdupq_n_u8(byte);
    const auto part = [&](uint64_t at) { return vceqq_u8(vld1q_u8(bytes + at), wanted); };
    return Mask(part(0), part(16), part(32), part(48));
  }

  static uint64_t BothEqual(const uint8_t* bytes, uint8_t byte, const uint8_t* others, uint8_t other_byte) {
    const uint8x16_t wanted = vdupq_n_u8(byte);
    const uint8x16_t other_wanted = vdupq_n_u8(other_byte);
    const auto part = [&](uint64_t at) {
      return vandq_u8(vceqq_u8(vld1q_u8(bytes + at), wanted), vceqq_u8(vld1q_u8(others + at), other_wanted));
    };
    return Mask(part(0), part(16), part(32), part(48));
  }

  static uint64_t Differ(const uint8_t* bytes, const uint8_t* others) {
    const auto part = [&](uint64_t at) { return vceqq_u8(vld1q_u8(bytes + at), vld1q_u8(others + at)); };
    return ~Mask(part(0), part(16), part(32), part(48));
  }

 private:
  // NEON has no instruction that gathers a bit of each byte: each byte keeps the bit of its place among eight, and
  // adding neighbours three times puts eight of them into one.
  static uint64_t Mask(uint8x16_t a, uint8x16_t b, uint8x16_t c, uint8x16_t d) {
    if (vmaxvq_u8(vorrq_u8(vorrq_u8(a, b), vorrq_u8(c, d))) == 0) return 0;
    const uint8x16_t place = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    const uint8x16_t low = vpaddq_u8(vandq_u8(a, place), vandq_u8(b, place));
    const uint8x16_t high = vpaddq_u8(vandq_u8(c, place), vandq_u8(d, place));
    const uint8x16_t pairs = vpaddq_u8(low, high);
    return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(pairs, pairs)), 0);
  }
};
using Stripe = VectorStripe;

#else
using Stripe = PortableStripe;
#endif

// Of a mask that is not 0.
#if defined(_MSC_VER)
inline uint64_t LowestBit(uint64_t mask) {
  unsigned long index = 0;
  _BitScanForward64(&index, mask);
  return index;
}

inline uint64_t HighestBit(uint64_t mask) {
  unsigned long index = 0;
  _BitScanReverse64(&index, mask);
  return index;
}
#else
inline uint64_t LowestBit(uint64_t mask) { return static_cast<uint64_t>(__builtin_ctzll(mask)); }

inline uint64_t HighestBit(uint64_t mask) { return 63 - static_cast<uint64_t>(__builtin_clzll(mask)); }
#endif

}  // namespace zerocopy::region

#endif  // ZEROCOPY_REGION_STRIPE_H_
