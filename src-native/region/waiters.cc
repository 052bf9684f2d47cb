#include "region/waiters.h"

#include <errno.h>

#include <algorithm>
#include <utility>

#include "os/byte_range.h"
#include "os/thread.h"

namespace zerocopy::region {

struct Waiters::Wait {
  Waiters* owner = nullptr;
  std::shared_ptr<Region> region;  // held until the wait has ended
  const uint32_t* word = nullptr;
  uint32_t expected = 0;
  uint64_t deadline = os::kNever;
  std::atomic<uint32_t> cancelled{0};
  WaitOutcome outcome;
  os::Thread thread;  // last: joined before the rest goes
};

namespace {

// Nullptr unless a word of shared memory begins there.
const uint32_t* WordAt(const Region& region, uint64_t offset) {
  const std::shared_ptr<Pages> pages = region.pages();
  if (pages == nullptr || pages->access() != os::Access::kWrite) return nullptr;
  if (!os::Fits({offset, sizeof(uint32_t)}, region.length())) return nullptr;
  const auto address = reinterpret_cast<uint64_t>(region.data()) + offset;
  return address % sizeof(uint32_t) == 0 ? reinterpret_cast<const uint32_t*>(address) : nullptr;
}

uint64_t DeadlineAfter(uint64_t timeout) {
  const uint64_t now = os::MonotonicNow();
  return timeout < os::kNever - now ? now + timeout : os::kNever;
}

}  // namespace

Waiters::Waiters(Wake wake, void* context) : wake_(wake), context_(context) {}

Waiters::~Waiters() {
  for (const auto& wait : waits_) os::CancelWait(&wait->cancelled);
  waits_.clear();  // joins them: what they put down is still there
}

os::Result<uint64_t> Waiters::Start(const std::shared_ptr<Region>& region, uint64_t offset, uint32_t expected,
                                    uint64_t timeout) {
  auto wait = std::make_unique<Wait>();
  wait->owner = this;
  wait->region = region;
  wait->word = WordAt(*region, offset);
  wait->expected = expected;
  wait->deadline = DeadlineAfter(timeout);
  wait->outcome.id = ++last_id_;
  if (wait->word == nullptr || !region->Hold()) return os::OsError{EINVAL, "futex"};
  os::Result<os::Thread> thread = os::Thread::Start(Run, wait.get());
  if (!thread.ok()) {
    region->Release();
    return thread.error();
  }
  wait->thread = std::move(thread.value());
  waits_.push_back(std::move(wait));
  return last_id_;
}

void* Waiters::Run(void* argument) {
  auto* wait = static_cast<Wait*>(argument);
  const auto end = os::WaitOnWord(wait->word, wait->expected, wait->deadline, &wait->cancelled);
  wait->outcome.end = end.value();
  wait->outcome.error = end.error();
  wait->region->Release();
  wait->owner->Finish(wait);
  return nullptr;
}

void Waiters::Finish(Wait* wait) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    finished_.push_back(wait->outcome);
  }
  wake_(context_);
}

void Waiters::Cancel(uint64_t id) {
  for (const auto& wait : waits_) {
    if (wait->outcome.id == id) os::CancelWait(&wait->cancelled);
  }
}

std::vector<WaitOutcome> Waiters::TakeFinished() {
  std::vector<WaitOutcome> finished;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    finished = std::exchange(finished_, {});
  }
  for (const WaitOutcome& outcome : finished) {
    const auto wait = std::find_if(waits_.begin(), waits_.end(),
                                   [&](const std::unique_ptr<Wait>& one) { return one->outcome.id == outcome.id; });
    waits_.erase(wait);
  }
  return finished;
}

os::Result<uint32_t> NotifyWord(const Region& region, uint64_t offset, uint32_t count) {
  const uint32_t* word = WordAt(region, offset);
  if (word == nullptr) return os::OsError{EINVAL, "futex"};
  return os::WakeWord(word, count);
}

}  // namespace zerocopy::region
