// Where an offset and a length are put together. Every slice, flush, advise, send and read goes through Fits(). The sum
// is never formed before it is known to fit, so it cannot wrap.
#ifndef ZEROCOPY_OS_BYTE_RANGE_H_
#define ZEROCOPY_OS_BYTE_RANGE_H_

#include <cstdint>

namespace zerocopy::os {

struct ByteRange {
  uint64_t offset = 0;
  uint64_t length = 0;
};

constexpr bool Fits(ByteRange range, uint64_t size) {
  return range.offset <= size && range.length <= size - range.offset;
}

// Of a range that is known to fit.
constexpr uint64_t End(ByteRange range) { return range.offset + range.length; }

}  // namespace zerocopy::os

#endif  // ZEROCOPY_OS_BYTE_RANGE_H_
