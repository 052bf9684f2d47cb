#include "region/region.h"

#include <errno.h>

#include <cstring>
#include <utility>

#include "os/byte_range.h"

namespace zerocopy::region {

Region::Region(std::shared_ptr<Pages> pages)
    : data_(pages->data()), length_(pages->length()), pages_(std::move(pages)) {}

os::Result<std::shared_ptr<Region>> Region::MapFile(int descriptor, os::ByteRange range, os::Access access,
                                                    MapOptions options) {
  os::Result<std::shared_ptr<Pages>> pages = Pages::MapFile(descriptor, range, access, options);
  if (!pages.ok()) return pages.error();
  return std::shared_ptr<Region>(new Region(std::move(pages.value())));
}

os::Result<std::shared_ptr<Region>> Region::MapAgain(uint64_t length) const {
  const std::shared_ptr<Pages> pages = this->pages();
  if (pages == nullptr) return os::OsError{EBADF, "mmap"};
  os::Result<std::shared_ptr<Pages>> again = pages->MapAgain(length);
  if (!again.ok()) return again.error();
  return std::shared_ptr<Region>(new Region(std::move(again.value())));
}

Region::~Region() = default;

std::shared_ptr<Pages> Region::TakePagesLocked() {
  state_ = State::kClosed;
  return std::move(pages_);
}

bool Region::Hold(Holder holder) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (state_ != State::kOpen) return false;
  holds_[static_cast<uint8_t>(holder)]++;
  return true;
}

void Region::Release(Holder holder) {
  std::shared_ptr<Pages> last_claim;
  const std::lock_guard<std::mutex> lock(mutex_);
  holds_[static_cast<uint8_t>(holder)]--;
  if (!IsHeldLocked() && state_ == State::kClosing) last_claim = TakePagesLocked();
}

State Region::Close() {
  std::shared_ptr<Pages> last_claim;
  const std::lock_guard<std::mutex> lock(mutex_);
  if (state_ != State::kOpen) return state_;
  state_ = State::kClosing;
  if (!IsHeldLocked()) last_claim = TakePagesLocked();
  return state_;
}

State Region::state() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return state_;
}

uint32_t Region::holds(Holder holder) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return holds_[static_cast<uint8_t>(holder)];
}

std::shared_ptr<Pages> Region::pages() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return pages_;
}

int Region::descriptor() const {
  const std::shared_ptr<Pages> pages = this->pages();
  return pages == nullptr ? -1 : pages->descriptor();
}

std::shared_ptr<Region> Held(std::shared_ptr<Region> region) {
  if (region == nullptr || !region->Hold()) return nullptr;
  Region* const held = region.get();
  return {held, [region = std::move(region)](Region*) { region->Release(); }};
}

// What `work(address, length)` answers of the whole pages around `range`; it is not called when there are none.
template <typename Work>
os::Status Region::OnPages(os::ByteRange range, const char* syscall, Work work) const {
  const std::shared_ptr<Pages> pages = this->pages();
  if (pages == nullptr || !os::Fits(range, length_)) return os::OsError{EINVAL, syscall};
  const os::ByteRange around = pages->PagesOf(range);
  if (around.length == 0) return os::Nothing{};
  return work(reinterpret_cast<void*>(around.offset), around.length);
}

os::Status Region::Flush(os::ByteRange range) const {
  return OnPages(range, "msync",
                 [&](void* address, uint64_t length) { return os::Flush(address, length, descriptor()); });
}

os::Status Region::Advise(os::ByteRange range, os::Advice advice) const {
  return OnPages(range, "madvise", [&](void* address, uint64_t length) { return os::Advise(address, length, advice); });
}

os::Status Region::Prefetch(os::ByteRange range) const { return OnPages(range, "madvise", os::Populate); }

os::Status Region::Lock(os::ByteRange range) const {
  return OnPages(range, "mlock", [](void* address, uint64_t length) {
    const os::Status locked = os::Lock(address, length);
    if (!locked.ok()) return locked;
    const os::Status populated = os::Populate(address, length);
    if (!populated.ok()) (void)os::Unlock(address, length);
    return populated;
  });
}

os::Status Region::Unlock(os::ByteRange range) const { return OnPages(range, "munlock", os::Unlock); }

os::Status Region::Residency(os::ByteRange range, uint8_t* map, uint64_t count) const {
  return OnPages(range, "mincore", [&](void* address, uint64_t length) -> os::Status {
    if (length / os::PageSize() != count) return os::OsError{EINVAL, "mincore"};
    return os::Residency(address, length, map);
  });
}

os::Status Region::CopyWithin(uint64_t target, os::ByteRange source) const {
  const std::shared_ptr<Pages> pages = this->pages();
  const bool inside = os::Fits(source, length_) && os::Fits({target, source.length}, length_);
  if (pages == nullptr || !inside) return os::OsError{EINVAL, "memmove"};
  if (source.length > 0) std::memmove(data_ + target, data_ + source.offset, source.length);
  return os::Nothing{};
}

}  // namespace zerocopy::region
