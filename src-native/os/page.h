// Page arithmetic: memory is mapped, flushed and advised in whole pages; callers count bytes.
#ifndef ZEROCOPY_OS_PAGE_H_
#define ZEROCOPY_OS_PAGE_H_

#include <cstdint>

#include "os/byte_range.h"

namespace zerocopy::os {

// What memory is mapped, flushed, advised and counted in, bytes.
uint64_t PageSize();

// What an offset into a file must be a multiple of to be mapped, bytes: the page size, on Windows the allocation
// granularity, which is more.
uint64_t MapGranularity();

// No file or mapping reaches this: lengths are at most 2^53 - 1, so adding a page to one cannot wrap.
constexpr uint64_t kMaxLength = (uint64_t{1} << 53) - 1;

// The whole pages that contain a range of bytes, and how far into them the range begins.
//
//     0        aligned.offset    offset              offset+length
//     |--------|-----------------|===================|--|
//              |<---- lead ----->|
//              |<------------ aligned.length ---------->|
struct PageSpan {
  ByteRange aligned;
  uint64_t lead = 0;
};

// `granularity`, of which the offset becomes a multiple, and `page`, of which the length does, are powers of two;
// `range` ends at or below kMaxLength.
constexpr PageSpan PagesAround(ByteRange range, uint64_t granularity, uint64_t page) {
  const uint64_t lead = range.offset & (granularity - 1);
  const uint64_t tail = (lead + range.length) & (page - 1);
  const uint64_t pad = tail == 0 ? 0 : page - tail;
  return {{range.offset - lead, lead + range.length + pad}, lead};
}

constexpr PageSpan PagesAround(ByteRange range, uint64_t page) { return PagesAround(range, page, page); }

}  // namespace zerocopy::os

#endif  // ZEROCOPY_OS_PAGE_H_
