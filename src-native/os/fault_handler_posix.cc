#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <atomic>
#include <mutex>

#include "os/fault_handler.h"

namespace zerocopy::os {
namespace {

std::atomic<ReplaceFault> replace_fault{nullptr};

// Whoever had the signal before us, and who had it before that one came. Written under the lock; the handler reads
// what `latest` names and the one before, and the third is written next, so that a handler that runs meanwhile sees
// whole ones.
struct sigaction previous[3];
std::atomic<int> latest{0};
std::mutex mutex;
const struct sigaction by_default{};  // SIG_DFL is 0

void OnSignal(int number, siginfo_t* info, void* context);

bool IsOurs(const struct sigaction& action) {
  return (action.sa_flags & SA_SIGINFO) != 0 && action.sa_sigaction == OnSignal;
}

bool IsSame(const struct sigaction& one, const struct sigaction& other) {
  return one.sa_sigaction == other.sa_sigaction;  // or its sa_handler, which is the same field
}

// Whether an instruction raised it. What a process sends has a code of 0 or less on Linux, of 0x10001 (SI_USER) or
// more on macOS and FreeBSD, and an address that means nothing (sigaction(2)).
bool IsFault(const siginfo_t& info) { return info.si_code > 0 && info.si_code <= 0xffff; }

// How often a signal has been passed on. Two handlers that found each other, ours and one that was put before it, pass
// it back and forth for ever: a second copy of this addon does, and crash reporters may. The count goes along in the
// last bytes of the siginfo_t, which no system fills for SIGBUS. It is not kept aside: a thread_local may allocate when
// it is first used, and whoever leaves a handler by siglongjmp(3) would not count down.
struct Passed {
  uint32_t mark;
  uint32_t times;
};
constexpr uint32_t kPassedMark = 0x7a63'7079;  // of every copy and version
constexpr uint32_t kMostInTurn = 4;

// Counts in `info` that it is passed on once more: how often it was before.
uint32_t CountPassed(siginfo_t* info) {
  uint8_t* const tail = reinterpret_cast<uint8_t*>(info) + sizeof(*info) - sizeof(Passed);
  Passed passed{};
  memcpy(&passed, tail, sizeof(passed));
  const uint32_t times = passed.mark == kPassedMark ? passed.times : 0;
  passed = {kPassedMark, times + 1};
  memcpy(tail, &passed, sizeof(passed));
  return times;
}

// Who is next: the latest before us; after too many turns the one before, who knows nothing of us; then the default.
const struct sigaction& NextFor(uint32_t times) {
  const int last = latest;
  if (times < kMostInTurn) return previous[last];
  return times < 2 * kMostInTurn ? previous[(last + 2) % 3] : by_default;
}

// As if we had never been there.
void PassOn(int number, const siginfo_t& info, void* context) {
  siginfo_t counted = info;
  const struct sigaction& next = NextFor(CountPassed(&counted));
  if ((next.sa_flags & SA_SIGINFO) != 0) {
    next.sa_sigaction(number, &counted, context);
    return;
  }
  if (next.sa_handler == SIG_IGN && !IsFault(info)) return;
  if (next.sa_handler != SIG_DFL && next.sa_handler != SIG_IGN) {
    next.sa_handler(number);
    return;
  }
  // The default: a fault comes again as soon as this returns; one that was sent must be sent again.
  (void)sigaction(number, &by_default, nullptr);
  if (!IsFault(info)) (void)raise(number);
}

void OnSignal(int number, siginfo_t* info, void* context) {
  const ReplaceFault replace = replace_fault;
  const int interrupted_errno = errno;
  const bool replaced = IsFault(*info) && replace != nullptr && replace(reinterpret_cast<uint64_t>(info->si_addr));
  errno = interrupted_errno;
  if (replaced) return;
  PassOn(number, *info, context);
}

bool TurnedOff() {
  const char* value = getenv("ZEROCOPY_SIGBUS");  // NOLINT(concurrency-mt-unsafe): under our lock, read only
  return value != nullptr && strcmp(value, "off") == 0;
}

}  // namespace

void InstallFaultHandler(ReplaceFault replace) {
  const std::lock_guard<std::mutex> lock(mutex);
  static const bool off = TurnedOff();
  struct sigaction now{};
  if (off || sigaction(SIGBUS, nullptr, &now) != 0 || IsOurs(now)) return;
  if (replace_fault == nullptr) previous[0] = previous[2] = now;  // nobody is known before that one
  // Once more the same: who was there before it stays known.
  if (!IsSame(now, previous[latest])) {
    const int next = (latest + 1) % 3;
    previous[next] = now;
    latest = next;
  }
  replace_fault = replace;
  struct sigaction ours{};
  ours.sa_sigaction = OnSignal;
  ours.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  (void)sigemptyset(&ours.sa_mask);
  (void)sigaction(SIGBUS, &ours, nullptr);
}

}  // namespace zerocopy::os
