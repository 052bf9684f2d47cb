// Waits for words of shared memory, of one environment: each has a small thread of its own while it lasts.
//
// One thread for many waits would be lighter, and wrong: the kernel tells a thread that was woken at several words of
// one of them only, so the others' wake-ups would be lost (os/futex_linux.cc).
//
// - A wait holds its Region until it has ended, on its thread.
// - Every function but the wake callback is called on the environment's thread; the callback on a wait's.
#ifndef ZEROCOPY_REGION_WAITERS_H_
#define ZEROCOPY_REGION_WAITERS_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "os/futex.h"
#include "os/result.h"
#include "region/region.h"

namespace zerocopy::region {

struct WaitOutcome {
  uint64_t id = 0;
  os::WaitEnd end = os::WaitEnd::kCancelled;
  os::OsError error;  // number 0: there is none
};

class Waiters {
 public:
  using Wake = void (*)(void* context);

  // `wake(context)`: TakeFinished() has something.
  Waiters(Wake wake, void* context);
  Waiters(const Waiters&) = delete;
  Waiters& operator=(const Waiters&) = delete;
  // Cancels what is left and waits for its threads.
  ~Waiters();

  // Waits at `offset` bytes into `region`, which must be open, for `timeout` nanoseconds (os::kNever: for ever). The id
  // of the wait. EINVAL: no aligned word of shared memory. EAGAIN: the system gives no more threads.
  os::Result<uint64_t> Start(const std::shared_ptr<Region>& region, uint64_t offset, uint32_t expected,
                             uint64_t timeout);
  // No effect once it has ended.
  void Cancel(uint64_t id);
  std::vector<WaitOutcome> TakeFinished();

 private:
  struct Wait;
  static void* Run(void* wait);
  void Finish(Wait* wait);

  const Wake wake_;
  void* const context_;
  uint64_t last_id_ = 0;
  std::vector<std::unique_ptr<Wait>> waits_;
  std::mutex mutex_;  // over what follows
  std::vector<WaitOutcome> finished_;
};

// Wakes at most `count` waits at a word of `region`, in whatever process; answers how many. EINVAL as above.
os::Result<uint32_t> NotifyWord(const Region& region, uint64_t offset, uint32_t count);

}  // namespace zerocopy::region

#endif  // ZEROCOPY_REGION_WAITERS_H_
