// What the process has, and has had. Tests assert them before, during and after; the budget of maps and the descriptors
// for faults go by them. The "regions" are the pieces of mapped memory (Pages): those that threads share count once.
#ifndef ZEROCOPY_COUNTERS_H_
#define ZEROCOPY_COUNTERS_H_

#include <atomic>
#include <cstdint>

namespace zerocopy {

struct Counters {
  std::atomic<int64_t> regions_mapped{0};       // ever
  std::atomic<int64_t> regions_unmapped{0};     // ever; equal to mapped when nothing is left
  std::atomic<int64_t> regions_retired{0};      // of the unmapped: whose address range is kept for ever
  std::atomic<int64_t> regions_parked{0};       // now: dropped, with zeros in their place until they are collected
  std::atomic<int64_t> bytes_mapped{0};         // now
  std::atomic<int64_t> buffers_created{0};      // external ArrayBuffers, ever
  std::atomic<int64_t> buffers_finalized{0};    // their finalizers, ever
  std::atomic<int64_t> transfers_started{0};    // jobs handed to a pump, ever
  std::atomic<int64_t> transfers_in_flight{0};  // now
  std::atomic<int64_t> pump_threads{0};         // now
};

// Constant-initialised, so it is there before any constructor runs and after any destructor.
inline Counters counters;

}  // namespace zerocopy

#endif  // ZEROCOPY_COUNTERS_H_
