// Waiting for a word of shared memory to change (futex(2)).
// Processes that have the same memory mapped, each at its own address, meet at the same word.
#ifndef ZEROCOPY_OS_FUTEX_H_
#define ZEROCOPY_OS_FUTEX_H_

#include <atomic>
#include <cstdint>

#include "os/result.h"

namespace zerocopy::os {

// The numbers are those of WAIT_ENDS in lib/native.ts.
enum class WaitEnd : uint8_t {
  kWoken = 0,
  kNotEqual = 1,  // the word was another when the wait began
  kTimedOut = 2,
  kCancelled = 3,
};

constexpr uint64_t kNever = UINT64_MAX;

// Nanoseconds of the clock that deadlines are on.
uint64_t MonotonicNow();

// Blocks while `*word` is `expected`, until WakeWord(), `deadline`, or CancelWait(); if woken and cancelled at the same
// time, it answers kWoken. Without futex_waitv(2) (before Linux 5.16) it looks for cancelling every 100 ms, and may
// between two looks miss a WakeWord() that came without a change of the word. EFAULT: the word cannot be read.
Result<WaitEnd> WaitOnWord(const uint32_t* word, uint32_t expected, uint64_t deadline,
                           std::atomic<uint32_t>* cancelled);

// Ends the WaitOnWord() that was given `cancelled`, even one that has not begun.
void CancelWait(std::atomic<uint32_t>* cancelled);

// Wakes at most `count` of the waits; answers how many.
Result<uint32_t> WakeWord(const uint32_t* word, uint32_t count);

}  // namespace zerocopy::os

#endif  // ZEROCOPY_OS_FUTEX_H_
