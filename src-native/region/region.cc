#include "region/region.h"

#include <errno.h>

#include <new>

#include "counters.h"
#include "os/file.h"
#include "os/page.h"

namespace zerocopy::region {

os::Result<std::shared_ptr<Region>> Region::MapFile(int descriptor, os::ByteRange range, os::Access access,
                                                    bool keep_descriptor, bool populate) {
  if (!os::Fits(range, os::kMaxLength)) return os::OsError{EOVERFLOW, "mmap"};
  int own_descriptor = -1;
  if (keep_descriptor) {
    const os::Result<int> copy = os::Duplicate(descriptor);
    if (!copy.ok()) return copy.error();
    own_descriptor = copy.value();
  }
  const os::PageSpan span = os::PagesAround(range, os::MapGranularity());
  void* pages = nullptr;
  if (range.length > 0) {
    const os::Result<void*> mapped = os::MapFile(descriptor, span.aligned, access, populate);
    if (!mapped.ok()) {
      if (own_descriptor >= 0) (void)os::Close(own_descriptor);
      return mapped.error();
    }
    pages = mapped.value();
  }
  uint8_t* data = pages == nullptr ? nullptr : static_cast<uint8_t*>(pages) + span.lead;
  const uint64_t pages_length = pages == nullptr ? 0 : span.aligned.length;
  return std::shared_ptr<Region>(new Region(pages, pages_length, data, range.length, own_descriptor));
}

Region::Region(void* pages, uint64_t pages_length, uint8_t* data, uint64_t length, int descriptor)
    : pages_(pages), pages_length_(pages_length), data_(data), length_(length), descriptor_(descriptor) {
  counters.regions_mapped++;
  counters.bytes_mapped += static_cast<int64_t>(length_);
}

Region::~Region() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (mapped_) UnmapLocked();
}

void Region::UnmapLocked() {
  mapped_ = false;
  state_ = State::kClosed;
  // Neither can fail for what we mapped and opened ourselves, and nobody could do anything about it.
  if (pages_ != nullptr) (void)os::Unmap(pages_, pages_length_);
  if (descriptor_ >= 0) (void)os::Close(descriptor_);
  descriptor_ = -1;
  counters.regions_unmapped++;
  counters.bytes_mapped -= static_cast<int64_t>(length_);
}

bool Region::Hold() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (state_ != State::kOpen) return false;
  holds_++;
  return true;
}

void Region::Release() {
  const std::lock_guard<std::mutex> lock(mutex_);
  holds_--;
  if (holds_ == 0 && state_ == State::kClosing) UnmapLocked();
}

State Region::Close() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (state_ != State::kOpen) return state_;
  state_ = State::kClosing;
  if (holds_ == 0) UnmapLocked();
  return state_;
}

State Region::state() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return state_;
}

uint32_t Region::holds() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return holds_;
}

os::ByteRange Region::PagesOf(os::ByteRange range) const {
  if (range.length == 0 || !os::Fits(range, length_)) return {};
  const auto address = reinterpret_cast<uint64_t>(data_) + range.offset;
  return os::PagesAround({address, range.length}, os::MapGranularity()).aligned;
}

os::Status Region::Flush(os::ByteRange range) const {
  if (!os::Fits(range, length_)) return os::OsError{EINVAL, "msync"};
  const os::ByteRange pages = PagesOf(range);
  if (pages.length == 0) return os::Nothing{};
  return os::Flush(reinterpret_cast<void*>(pages.offset), pages.length);
}

os::Status Region::Advise(os::ByteRange range, os::Advice advice) const {
  if (!os::Fits(range, length_)) return os::OsError{EINVAL, "madvise"};
  const os::ByteRange pages = PagesOf(range);
  if (pages.length == 0) return os::Nothing{};
  return os::Advise(reinterpret_cast<void*>(pages.offset), pages.length, advice);
}

}  // namespace zerocopy::region
