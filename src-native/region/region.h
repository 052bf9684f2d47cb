// A Region is one owner's claim to a piece of mapped memory (pages.h), with one end.
//
// Ownership
// - The maker of a Region gets a shared_ptr to it; copies of that pointer are its *references*. While there is a
//   reference the Region object lives; with the last one its claim on the Pages goes, if it still has it.
// - A *hold* says: somebody reads or writes the memory right now, or may at any moment, without asking again.
//   Native work holds while it runs; an ArrayBuffer over the memory holds while JavaScript could reach it
//   (region_binding.cc). A holder also keeps a reference.
// - Close() ends the Region: nobody gets a new hold. Its claim on the Pages goes when the last hold is released, or
//   at once when there is none.
//
//            Close(), no holds
//      +-----------------------------+
//      |                             v
//    open --Close(), holds--> closing --last Release()--> closed
//      |                                                    ^
//      +--- last reference dropped (nobody can look) -------+
//
// - Pages are unmapped with the last claim on them, exactly once, on whichever thread gives that up, and never while
//   there is a hold. Most Pages have one Region; memory shared between threads has one for each (share.h).
// - Every function may be called on any thread. data() may be read through while the caller has a hold, or while
//   the caller knows that the Region is open because it alone may close it (the JavaScript thread).
#ifndef ZEROCOPY_REGION_REGION_H_
#define ZEROCOPY_REGION_REGION_H_

#include <cstdint>
#include <memory>
#include <mutex>

#include "os/memory_map.h"
#include "os/result.h"
#include "region/pages.h"

namespace zerocopy::region {

enum class State : uint8_t { kOpen = 0, kClosing = 1, kClosed = 2 };  // the numbers are those of STATES in lib

// Who holds: native work; an ArrayBuffer of this package's own; an ArrayBuffer that was handed out.
enum class Holder : uint8_t { kWork = 0, kWindow = 1, kRaw = 2 };

class Region {
 public:
  explicit Region(std::shared_ptr<Pages> pages);
  // A Region that has new Pages to itself: see Pages::MapFile.
  static os::Result<std::shared_ptr<Region>> MapFile(int descriptor, os::ByteRange range, os::Access access,
                                                     MapOptions options = {});
  // Another Region over the same file: see Pages::MapAgain. EBADF once closed.
  os::Result<std::shared_ptr<Region>> MapAgain(uint64_t length) const;
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;
  ~Region();

  // Of the Pages: valid while the state is not closed.
  uint8_t* data() const { return data_; }
  uint64_t length() const { return length_; }
  // The Pages' own descriptor; -1 when there is none, or no longer.
  int descriptor() const;
  // Nullptr once closed.
  std::shared_ptr<Pages> pages() const;

  // False unless open: then the caller has no hold and must not look at the memory.
  [[nodiscard]] bool Hold(Holder holder = Holder::kWork);
  void Release(Holder holder = Holder::kWork);
  State Close();
  State state() const;
  uint32_t holds(Holder holder) const;

  // Scratch of Residents::Reclaim(), on the thread of the environment that has the Region.
  bool reachable = false;

  // What the pages of `range` are told or asked; the range must lie inside the Region (checked), which the caller
  // holds or knows to be open.
  os::Status Flush(os::ByteRange range) const;
  os::Status Advise(os::ByteRange range, os::Advice advice) const;
  os::Status Prefetch(os::ByteRange range) const;
  // memmove(3) of `source` to `target` inside the Region. What cannot be read is copied as zeros, and is a fault.
  os::Status CopyWithin(uint64_t target, os::ByteRange source) const;
  // Keeps the pages in memory: brings them in and locks them, or neither.
  os::Status Lock(os::ByteRange range) const;
  os::Status Unlock(os::ByteRange range) const;
  // A byte for each page around `range`, 1 where it is in memory. EINVAL unless there are `count`.
  os::Status Residency(os::ByteRange range, uint8_t* map, uint64_t count) const;

 private:
  template <typename Work>
  os::Status OnPages(os::ByteRange range, const char* syscall, Work work) const;
  // Closed from here on. The caller lets the claim go after the lock: unmapping takes its time.
  std::shared_ptr<Pages> TakePagesLocked();
  bool IsHeldLocked() const { return holds_[0] + holds_[1] + holds_[2] > 0; }

  uint8_t* const data_;
  const uint64_t length_;

  mutable std::mutex mutex_;  // over what follows
  std::shared_ptr<Pages> pages_;
  State state_ = State::kOpen;
  uint32_t holds_[3] = {0, 0, 0};  // by Holder
};

// A reference to `region` that is a hold of native work as well, released with the last copy of the pointer. Nullptr
// unless the Region is open.
std::shared_ptr<Region> Held(std::shared_ptr<Region> region);

}  // namespace zerocopy::region

#endif  // ZEROCOPY_REGION_REGION_H_
