// A Region is a piece of mapped memory with one end.
//
// Ownership
// - Whoever maps a Region gets a shared_ptr to it; copies of that pointer are its *references*. While there is
//   a reference the Region object lives; when the last is dropped its memory is unmapped, if it still is mapped.
// - A *hold* says: somebody reads or writes the memory right now, or may at any moment, without asking again.
//   Native work holds while it runs; an ArrayBuffer over the memory holds while JavaScript could reach it
//   (region_binding.cc). Whoever holds also keeps a reference.
// - Close() ends the Region: nobody gets a new hold. The memory is unmapped when the last hold is released, or
//   at once when there is none.
//
//            Close(), no holds
//      +-----------------------------+
//      |                             v
//    open --Close(), holds--> closing --last Release()--> closed
//      |                                                    ^
//      +--- last reference dropped (nobody can look) -------+
//
// - Memory is unmapped exactly once, on whichever thread does the last of these, and never while there is a hold.
// - Every function may be called on any thread. data() may be read through while the caller has a hold, or while
//   the caller knows that the Region is open because it alone may close it (the JavaScript thread).
#ifndef ZEROCOPY_REGION_REGION_H_
#define ZEROCOPY_REGION_REGION_H_

#include <cstdint>
#include <memory>
#include <mutex>

#include "os/memory_map.h"
#include "os/result.h"

namespace zerocopy::region {

enum class State : uint8_t { kOpen = 0, kClosing = 1, kClosed = 2 };  // the numbers are those of STATES in lib

class Region {
 public:
  // Maps `range` bytes of an open file; any offset will do. The descriptor stays the caller's, unless
  // `keep_descriptor`: then the Region has a duplicate of its own. An empty range maps nothing and is a Region all
  // the same. The range must lie inside the file.
  static os::Result<std::shared_ptr<Region>> MapFile(int descriptor, os::ByteRange range, os::Access access,
                                                     bool keep_descriptor, bool populate);

  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;
  ~Region();

  // The first byte asked for, not that of its page; nullptr when the range was empty.
  uint8_t* data() const { return data_; }
  uint64_t length() const { return length_; }
  // The Region's own descriptor, -1 when it keeps none.
  int descriptor() const { return descriptor_; }

  // False unless open: then the caller has no hold and must not look at the memory.
  [[nodiscard]] bool Hold();
  void Release();
  State Close();
  State state() const;
  uint32_t holds() const;

  // What the pages of `range` are told or asked; the range must lie inside the Region (checked), which the caller
  // holds or knows to be open.
  os::Status Flush(os::ByteRange range) const;
  os::Status Advise(os::ByteRange range, os::Advice advice) const;

 private:
  Region(void* pages, uint64_t pages_length, uint8_t* data, uint64_t length, int descriptor);

  void UnmapLocked();
  // The pages around `range`, an address and a length; length 0 when there are none.
  os::ByteRange PagesOf(os::ByteRange range) const;

  void* const pages_;
  const uint64_t pages_length_;
  uint8_t* const data_;
  const uint64_t length_;
  int descriptor_;

  mutable std::mutex mutex_;  // over what follows, and over unmapping
  State state_ = State::kOpen;
  uint32_t holds_ = 0;
  bool mapped_ = true;
};

}  // namespace zerocopy::region

#endif  // ZEROCOPY_REGION_REGION_H_
