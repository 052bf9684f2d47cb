#include "region/pages.h"

#include <errno.h>

#include <algorithm>
#include <new>
#include <utility>

#include "counters.h"
#include "os/fault_handler.h"
#include "region/fault_table.h"

namespace zerocopy::region {

std::atomic<uint32_t> fault_epoch{0};

namespace {

// A descriptor tells the fault handler how long the file is now. Few programs have this many files mapped; those
// that do lose only the shortcut of replacing a whole tail at once.
constexpr int64_t kDescriptorsForFaults = 256;

// Pages replaced one by one before the rest of the memory goes at once: each splits a map in two, and the kernel
// allows a process 65,530 of them.
constexpr uint64_t kSinglePages = 1024;

os::Result<os::Descriptor> DescriptorFor(int descriptor, bool required) {
  const int64_t live = counters.regions_mapped - counters.regions_unmapped;
  if (!required && live >= kDescriptorsForFaults) return os::Descriptor();
  os::Result<os::Descriptor> copy = os::Duplicate(descriptor);
  if (!copy.ok() && !required) return os::Descriptor();
  return copy;
}

}  // namespace

void Pages::InstallFaultHandler() { os::InstallFaultHandler(ReplaceFaultedPages); }

os::Result<std::shared_ptr<Pages>> Pages::MapFile(int descriptor, os::ByteRange range, os::Access access,
                                                  MapOptions options) {
  if (!os::Fits(range, os::kMaxLength)) return os::OsError{EOVERFLOW, "mmap"};
  os::Result<os::Descriptor> own = DescriptorFor(descriptor, options.keep_descriptor);
  if (!own.ok()) return own.error();
  SharedDescriptor shared(new os::Descriptor(std::move(own.value())));
  return Map(descriptor, range, access, options, std::move(shared));
}

os::Result<std::shared_ptr<Pages>> Pages::MapAgain(uint64_t length) const {
  const os::ByteRange range = {file_offset_, length};
  if (!os::Fits(range, os::kMaxLength)) return os::OsError{EOVERFLOW, "mmap"};
  if (shown_descriptor_ < 0) return os::OsError{EBADF, "mmap"};
  MapOptions options;
  options.keep_descriptor = true;
  return Map(shown_descriptor_, range, access_, options, descriptor_);
}

os::Result<std::shared_ptr<Pages>> Pages::Map(int descriptor, os::ByteRange range, os::Access access,
                                              MapOptions options, SharedDescriptor own) {
  const os::PageSpan span = os::PagesAround(range, os::MapGranularity(), os::PageSize());
  const auto file = os::IdentityOf(descriptor);  // what fails here cannot be mapped either, and mmap(2) says why
  os::ByteRange pages;
  if (range.length > 0) {
    InstallFaultHandler();
    const os::Result<void*> mapped = os::MapFile(descriptor, span.aligned, access);
    if (!mapped.ok()) return mapped.error();
    // What cannot be read is left for the first look at it.
    if (options.populate) (void)os::Populate(mapped.value(), span.aligned.length);
    pages = {reinterpret_cast<uint64_t>(mapped.value()), span.aligned.length};
  }
  return std::shared_ptr<Pages>(
      new Pages(pages, span, range, access, file.value(), std::move(own), options.keep_descriptor));
}

Pages::Pages(os::ByteRange pages, os::PageSpan span, os::ByteRange range, os::Access access, os::FileIdentity file,
             SharedDescriptor descriptor, bool show_descriptor)
    : pages_(pages),
      pages_file_offset_(span.aligned.offset),
      file_offset_(range.offset),
      data_(pages.length == 0 ? nullptr : reinterpret_cast<uint8_t*>(pages.offset) + span.lead),
      length_(range.length),
      access_(access),
      file_(file),
      descriptor_(std::move(descriptor)),
      shown_descriptor_(show_descriptor ? descriptor_->get() : -1) {
  counters.regions_mapped++;
  counters.bytes_mapped += static_cast<int64_t>(length_);
  if (pages_.length > 0) fault_slot_ = EnterFaultTable(this, pages_);
}

Pages::~Pages() {
  if (pages_.length > 0) {
    void* address = reinterpret_cast<void*>(pages_.offset);
    // Neither can fail for what we mapped ourselves, and nobody could do anything about it.
    if (retired_) {
      (void)os::ReplaceWithZeros(address, pages_.length);
      (void)os::MakeAccessible(address, pages_.length);
      counters.regions_retired++;
    }
    LeaveFaultTable(fault_slot_);
    if (!retired_) (void)os::Unmap(address, pages_.length);
  }
  if (parked_) counters.regions_parked--;
  counters.regions_unmapped++;
  counters.bytes_mapped -= static_cast<int64_t>(length_);
}

void Pages::Park() {
  if (pages_.length == 0 || parked_.exchange(true)) return;
  (void)os::ReplaceWithZeros(reinterpret_cast<void*>(pages_.offset), pages_.length);
  counters.regions_parked++;
}

os::ByteRange Pages::PagesOf(os::ByteRange range) const {
  if (range.length == 0 || !os::Fits(range, length_)) return {};
  const auto address = reinterpret_cast<uint64_t>(data_) + range.offset;
  return os::PagesAround({address, range.length}, os::PageSize()).aligned;
}

os::Result<uint64_t> Pages::FileSize() const { return os::SizeOf(descriptor_->get()); }

int Pages::file_behind() const {
  const bool shows_file = access_ == os::Access::kWrite || (access_ == os::Access::kRead && !exposed_);
  return shows_file ? descriptor_->get() : -1;
}

uint64_t Pages::TailStart() const {
  const os::Result<uint64_t> size = FileSize();
  const uint64_t end = os::End(pages_);
  if (!size.ok()) return end;
  const uint64_t page_size = os::PageSize();
  const uint64_t kept = (size.value() + page_size - 1) & ~(page_size - 1);  // bytes of whole pages in the file
  if (kept <= pages_file_offset_) return pages_.offset;
  const uint64_t behind = kept - pages_file_offset_;
  return behind >= pages_.length ? end : pages_.offset + behind;
}

bool Pages::ReplaceFaulted(uint64_t address) {
  const uint64_t page_size = os::PageSize();
  const uint64_t end = os::End(pages_);
  const uint64_t page = address & ~(page_size - 1);
  if (os::MakeAccessible(reinterpret_cast<void*>(page), page_size)) return true;
  const uint64_t tail = TailStart();
  const uint64_t start = std::min(page, tail);
  const bool one_page = page < tail && faults_ < kSinglePages;
  const os::ByteRange lost = os::LostWith({start, one_page ? page_size : end - start}, pages_);
  if (!os::ReplaceWithZeros(reinterpret_cast<void*>(lost.offset), lost.length).ok()) return false;
  const auto data = reinterpret_cast<uint64_t>(data_);
  const uint64_t offset = lost.offset > data ? lost.offset - data : 0;
  uint64_t first = fault_offset_.load();
  while (offset < first && !fault_offset_.compare_exchange_weak(first, offset)) {
  }
  faults_ += lost.length / page_size;
  fault_epoch++;
  return true;
}

}  // namespace zerocopy::region
