#include "region/fault_table.h"

#include <atomic>
#include <mutex>

#include "region/pages.h"

namespace zerocopy::region {
namespace {

// Written under the lock, read by the handler at any time: an odd version says that the slot is being written, a
// changed one that it was. A slot whose memory faults cannot change meanwhile: the thread that touched it has a hold.
struct Slot {
  std::atomic<uint32_t> version{0};
  std::atomic<uint64_t> begin{0};
  std::atomic<uint64_t> end{0};
  std::atomic<Pages*> pages{nullptr};
};

constexpr uint32_t kCapacity = 65536;

// In .bss: a page of it costs memory once it is used.
Slot slots[kCapacity];
uint32_t next_free[kCapacity];
std::atomic<uint32_t> used{0};  // slots below have been used at least once
uint32_t first_free = kNoSlot;
std::mutex mutex;

void Write(Slot& slot, Pages* pages, os::ByteRange range) {
  slot.version++;
  slot.begin = range.offset;
  slot.end = os::End(range);
  slot.pages = pages;
  slot.version++;
}

Pages* Find(uint64_t address) {
  const uint32_t count = used;
  for (uint32_t i = 0; i < count; i++) {
    const Slot& slot = slots[i];
    const uint32_t version = slot.version;
    if ((version & 1) != 0) continue;
    const bool inside = address >= slot.begin && address < slot.end;
    Pages* pages = slot.pages;
    if (inside && pages != nullptr && slot.version == version) return pages;
  }
  return nullptr;
}

}  // namespace

uint32_t EnterFaultTable(Pages* pages, os::ByteRange range) {
  const std::lock_guard<std::mutex> lock(mutex);
  uint32_t index = first_free;
  if (index != kNoSlot) {
    first_free = next_free[index];
  } else if (used < kCapacity) {
    index = used;
  } else {
    return kNoSlot;
  }
  Write(slots[index], pages, range);
  if (index == used) used++;
  return index;
}

void LeaveFaultTable(uint32_t index) {
  if (index == kNoSlot) return;
  const std::lock_guard<std::mutex> lock(mutex);
  Write(slots[index], nullptr, {});
  next_free[index] = first_free;
  first_free = index;
}

bool ReplaceFaultedPages(uint64_t address) {
  Pages* pages = Find(address);
  return pages != nullptr && pages->ReplaceFaulted(address);
}

}  // namespace zerocopy::region
