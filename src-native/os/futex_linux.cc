#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>

#include "os/futex.h"

namespace zerocopy::os {
namespace {

// Linux 5.16; the headers of older systems have no name for it. The number is the same on every architecture.
constexpr long kFutexWaitv = 449;
constexpr uint32_t kFutex32 = 2;  // FUTEX_32

struct Waiter {  // struct futex_waitv
  uint64_t value;
  uint64_t address;
  uint32_t flags;
  uint32_t reserved;
};
static_assert(sizeof(Waiter) == 24, "the kernel's");

constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint64_t kLook = kSecond / 10;  // how often an old kernel's wait looks whether it was cancelled

timespec TimeOf(uint64_t deadline) {
  timespec time{};
  time.tv_sec = static_cast<time_t>(deadline / kSecond);
  time.tv_nsec = static_cast<long>(deadline % kSecond);
  return time;
}

// 0, or the errno; EAGAIN for a word that is not as expected.
int WaitForBoth(const uint32_t* word, uint32_t expected, uint64_t deadline, const std::atomic<uint32_t>* cancelled) {
  // Of those woken the kernel names the last. So there is one wait of a user's to a call, and it is the last: with more
  // of them, a thread that was woken twice would lose one.
  Waiter waiters[] = {
      {0, reinterpret_cast<uint64_t>(cancelled), kFutex32 | FUTEX_PRIVATE_FLAG, 0},
      {expected, reinterpret_cast<uint64_t>(word), kFutex32, 0},
  };
  const timespec time = TimeOf(deadline);
  const long result = syscall(kFutexWaitv, waiters, 2, 0, deadline == kNever ? nullptr : &time, CLOCK_MONOTONIC);
  const int error = errno;
  if (result == 0) return ECANCELED;
  return result > 0 ? 0 : error;
}

// The same of an old kernel: ETIMEDOUT when it is time to look whether it was cancelled.
int WaitAWhile(const uint32_t* word, uint32_t expected, uint64_t deadline) {
  const timespec time = TimeOf(std::min(deadline, MonotonicNow() + kLook));
  const long result = syscall(SYS_futex, word, FUTEX_WAIT_BITSET, expected, &time, nullptr, FUTEX_BITSET_MATCH_ANY);
  const int error = errno;
  return result == 0 ? 0 : error;
}

int WaitOnce(const uint32_t* word, uint32_t expected, uint64_t deadline, const std::atomic<uint32_t>* cancelled) {
  const int error = WaitForBoth(word, expected, deadline, cancelled);
  // EPERM: what a sandbox that does not know the call may answer.
  return error == ENOSYS || error == EPERM ? WaitAWhile(word, expected, deadline) : error;
}

}  // namespace

uint64_t MonotonicNow() {
  timespec now{};
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * kSecond + static_cast<uint64_t>(now.tv_nsec);
}

Result<WaitEnd> WaitOnWord(const uint32_t* word, uint32_t expected, uint64_t deadline,
                           std::atomic<uint32_t>* cancelled) {
  for (bool has_waited = false; *cancelled == 0; has_waited = true) {
    const int error = WaitOnce(word, expected, deadline, cancelled);
    if (error == 0) return WaitEnd::kWoken;
    if (error == ECANCELED || *cancelled != 0) break;
    // Once it has been as expected, another value is what was waited for.
    if (error == EAGAIN) return has_waited ? WaitEnd::kWoken : WaitEnd::kNotEqual;
    if (error == ETIMEDOUT && deadline <= MonotonicNow()) return WaitEnd::kTimedOut;
    if (error != ETIMEDOUT && error != EINTR) return OsError{error, "futex"};
  }
  return WaitEnd::kCancelled;
}

void CancelWait(std::atomic<uint32_t>* cancelled) {
  *cancelled = 1;
  (void)syscall(SYS_futex, cancelled, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

Result<uint32_t> WakeWord(const uint32_t* word, uint32_t count) {
  if (count == 0) return 0U;  // which the kernel takes for 1
  const uint32_t most = std::min<uint32_t>(count, INT_MAX);
  const long woken = syscall(SYS_futex, word, FUTEX_WAKE, most, nullptr, nullptr, 0);
  const int error = errno;
  if (woken < 0) return OsError{error, "futex"};
  return static_cast<uint32_t>(woken);
}

}  // namespace zerocopy::os
