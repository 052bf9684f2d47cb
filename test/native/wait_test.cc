// Waits for words of shared memory: every way to end, alone and many at once, and as an old kernel does it.
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <atomic>
#include <vector>

#include "check.h"
#include "fixture.h"
#include "os/file.h"
#include "os/futex.h"
#include "os/thread.h"
#include "region/waiters.h"

namespace {

using zerocopy::os::Access;
using zerocopy::os::kNever;
using zerocopy::os::WaitEnd;
using zerocopy::region::NotifyWord;
using zerocopy::region::Region;
using zerocopy::region::Waiters;
using zerocopy::region::WaitOutcome;

constexpr uint64_t kMillisecond = 1'000'000;

std::shared_ptr<Region> MapMemory(uint64_t length, Access access = Access::kWrite) {
  const auto file = zerocopy::os::CreateMemoryFile("wait", length, true);
  CHECK(file.ok());
  auto region = Region::MapFile(file.value().get(), {0, length}, access);
  CHECK(region.ok());
  return region.value();
}

std::atomic<uint32_t>* WordOf(const Region& region, uint64_t index) {
  return reinterpret_cast<std::atomic<uint32_t>*>(region.data()) + index;
}

// Waits with a place to count what they tell.
struct Waiting {
  std::atomic<int> told{0};
  Waiters waiters{[](void* told) { (*static_cast<std::atomic<int>*>(told))++; }, &told};

  uint64_t Start(const std::shared_ptr<Region>& region, uint64_t offset, uint32_t expected, uint64_t timeout = kNever) {
    const auto id = waiters.Start(region, offset, expected, timeout);
    CHECK(id.ok());
    return id.value();
  }

  // The next `count` outcomes, in the order in which they came.
  std::vector<WaitOutcome> Take(size_t count) {
    std::vector<WaitOutcome> outcomes;
    while (outcomes.size() < count) {
      for (const WaitOutcome& outcome : waiters.TakeFinished()) outcomes.push_back(outcome);
      sched_yield();
    }
    CHECK(outcomes.size() == count && told.load() >= static_cast<int>(count));
    return outcomes;
  }
};

// Wakes until `count` waits are there to be woken.
void WakeAll(const Region& region, uint64_t offset, uint32_t count) {
  while (count > 0) {
    const auto woken = NotifyWord(region, offset, count);
    CHECK(woken.ok() && woken.value() <= count);
    count -= woken.value();
    sched_yield();
  }
}

TEST(WaitEndsAsItShould) {
  const auto region = MapMemory(4096);
  Waiting waiting;
  *WordOf(*region, 1) = 7;
  (void)waiting.Start(region, 4, 8);
  CHECK(waiting.Take(1)[0].end == WaitEnd::kNotEqual);
  const uint64_t before = zerocopy::os::MonotonicNow();
  (void)waiting.Start(region, 4, 7, 5 * kMillisecond);
  CHECK(waiting.Take(1)[0].end == WaitEnd::kTimedOut);
  CHECK(zerocopy::os::MonotonicNow() - before >= 5 * kMillisecond);
  (void)waiting.Start(region, 4, 7, 0);
  CHECK(waiting.Take(1)[0].end == WaitEnd::kTimedOut);
  const uint64_t id = waiting.Start(region, 4, 7);
  CHECK(region->holds(zerocopy::region::Holder::kWork) == 1);
  WakeAll(*region, 4, 1);
  const WaitOutcome woken = waiting.Take(1)[0];
  CHECK(woken.end == WaitEnd::kWoken && woken.id == id && woken.error.number == 0);
  CHECK(region->holds(zerocopy::region::Holder::kWork) == 0);
  const uint64_t cancelled = waiting.Start(region, 4, 7);
  waiting.waiters.Cancel(cancelled);
  waiting.waiters.Cancel(cancelled);
  waiting.waiters.Cancel(12345);
  CHECK(waiting.Take(1)[0].end == WaitEnd::kCancelled);
}

TEST(WaitWakesAsManyAsAreAskedFor) {
  const auto region = MapMemory(4096);
  Waiting waiting;
  CHECK(NotifyWord(*region, 0, 5).value() == 0);
  for (int i = 0; i < 5; i++) (void)waiting.Start(region, 0, 0);
  WakeAll(*region, 0, 2);
  (void)waiting.Take(2);
  CHECK(NotifyWord(*region, 0, 0).value() == 0);
  CHECK(NotifyWord(*region, 4, 9).value() == 0);
  WakeAll(*region, 0, 3);
  for (const WaitOutcome& outcome : waiting.Take(3)) CHECK(outcome.end == WaitEnd::kWoken);
  CHECK(NotifyWord(*region, 0, UINT32_MAX).value() == 0);
}

TEST(WaitRefusesWhatIsNoSharedWord) {
  const auto region = MapMemory(4096);
  Waiting waiting;
  for (const uint64_t offset : {uint64_t{1}, uint64_t{4093}, uint64_t{4096}, UINT64_MAX}) {
    CHECK(waiting.waiters.Start(region, offset, 0, kNever).error().number == EINVAL);
    CHECK(NotifyWord(*region, offset, 1).error().number == EINVAL);
  }
  const auto private_memory = MapMemory(4096, Access::kCopy);
  CHECK(waiting.waiters.Start(private_memory, 0, 0, kNever).error().number == EINVAL);
  (void)region->Close();
  CHECK(waiting.waiters.Start(region, 0, 0, kNever).error().number == EINVAL);
  CHECK(NotifyWord(*region, 0, 1).error().number == EINVAL);
}

TEST(WaitHoldsItsRegionUntilItEnds) {
  const auto region = MapMemory(4096);
  Waiting waiting;
  const uint64_t id = waiting.Start(region, 0, 0);
  CHECK(region->Close() == zerocopy::region::State::kClosing);
  waiting.waiters.Cancel(id);
  (void)waiting.Take(1);
  CHECK(region->state() == zerocopy::region::State::kClosed);
}

TEST(WaitsEndWithTheirOwner) {
  const auto region = MapMemory(4096);
  {
    Waiting waiting;
    for (int i = 0; i < 20; i++) (void)waiting.Start(region, 4 * static_cast<uint64_t>(i % 3), 0);
  }
  CHECK(region->holds(zerocopy::region::Holder::kWork) == 0);
}

TEST(WaitOfMemoryThatIsGoneIsAFault) {
  const fixture::PatternFile file(8192);
  const auto region = Region::MapFile(file.fd(), {0, 8192}, Access::kWrite);
  CHECK(region.ok() && ftruncate(file.fd(), 4096) == 0);
  Waiting waiting;
  (void)waiting.Start(region.value(), 4096, 0);
  CHECK(waiting.Take(1)[0].error.number == EFAULT);
  CHECK(NotifyWord(*region.value(), 4096, 1).error().number == EFAULT);
}

// Whatever is cancelled meanwhile, as many waits say that they were woken as the kernel says it woke.
TEST(WaitsLoseNoWakeUp) {
  const auto region = MapMemory(4096);
  uint32_t woken = 0;
  uint32_t said = 0;
  // On a busy machine threads may begin to wait only when it is too late to wake them: then some rounds more.
  for (int round = 0; round < 50 || (woken == 0 && round < 10'000); round++) {
    Waiting waiting;
    std::vector<uint64_t> ids;
    ids.reserve(8);
    for (int i = 0; i < 8; i++) ids.push_back(waiting.Start(region, 0, 0));
    for (size_t i = 0; i < ids.size(); i++) {
      if (i % 2 == 0) waiting.waiters.Cancel(ids[i]);
      woken += NotifyWord(*region, 0, 1).value();
    }
    for (const uint64_t id : ids) waiting.waiters.Cancel(id);
    for (const WaitOutcome& outcome : waiting.Take(8)) said += outcome.end == WaitEnd::kWoken ? 1 : 0;
  }
  CHECK(woken == said && woken > 0);
}

// Like a kernel before Linux 5.16, for this thread and those that it starts.
void ForgetFutexWaitv() {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 449, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter = {4, program};
  CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) == 0);
}

void* WaitOnOldKernel(void*) {
  ForgetFutexWaitv();
  const auto region = MapMemory(4096);
  Waiting waiting;
  (void)waiting.Start(region, 0, 1);
  CHECK(waiting.Take(1)[0].end == WaitEnd::kNotEqual);
  (void)waiting.Start(region, 0, 0, 5 * kMillisecond);
  CHECK(waiting.Take(1)[0].end == WaitEnd::kTimedOut);
  (void)waiting.Start(region, 0, 0, 250 * kMillisecond);
  CHECK(waiting.Take(1)[0].end == WaitEnd::kTimedOut);
  (void)waiting.Start(region, 0, 0);
  WakeAll(*region, 0, 1);
  CHECK(waiting.Take(1)[0].end == WaitEnd::kWoken);
  waiting.waiters.Cancel(waiting.Start(region, 0, 0));
  CHECK(waiting.Take(1)[0].end == WaitEnd::kCancelled);
  (void)waiting.Start(region, 0, 0);
  usleep(20'000);
  *WordOf(*region, 0) = 1;  // nobody says so: an old kernel's wait sees it by itself
  CHECK(waiting.Take(1)[0].end == WaitEnd::kWoken);
  return nullptr;
}

TEST(WaitsWorkOnOldKernels) {
  const auto thread = zerocopy::os::Thread::Start(WaitOnOldKernel, nullptr);  // joined at the end
  CHECK(thread.ok());
}

}  // namespace
