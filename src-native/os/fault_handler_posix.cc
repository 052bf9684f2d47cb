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

// Whoever had the signal before us. Written under the lock; the handler reads the copy that `current` names, and
// the other is written next, so that a handler that runs meanwhile sees a whole one.
struct sigaction previous[2];
std::atomic<int> current{0};
std::mutex mutex;

void OnSignal(int number, siginfo_t* info, void* context);

bool IsOurs(const struct sigaction& action) {
  return (action.sa_flags & SA_SIGINFO) != 0 && action.sa_sigaction == OnSignal;
}

// Whether an instruction raised it. What a process sends has a code of 0 or less on Linux, of 0x10001 (SI_USER) or
// more on macOS and FreeBSD, and an address that means nothing (sigaction(2)).
bool IsFault(const siginfo_t& info) { return info.si_code > 0 && info.si_code <= 0xffff; }

// As if we had never been there.
void PassOn(int number, siginfo_t* info, void* context) {
  const struct sigaction& before = previous[current];
  if ((before.sa_flags & SA_SIGINFO) != 0) {
    before.sa_sigaction(number, info, context);
    return;
  }
  if (before.sa_handler == SIG_IGN && !IsFault(*info)) return;
  if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
    before.sa_handler(number);
    return;
  }
  // The default: a fault comes again as soon as this returns; one that was sent must be sent again.
  struct sigaction fall{};
  fall.sa_handler = SIG_DFL;
  (void)sigaction(number, &fall, nullptr);
  if (!IsFault(*info)) (void)raise(number);
}

void OnSignal(int number, siginfo_t* info, void* context) {
  const ReplaceFault replace = replace_fault;
  const int interrupted_errno = errno;
  const bool replaced = IsFault(*info) && replace != nullptr && replace(reinterpret_cast<uint64_t>(info->si_addr));
  errno = interrupted_errno;
  if (replaced) return;
  PassOn(number, info, context);
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
  const int next = 1 - current;
  previous[next] = now;
  current = next;
  replace_fault = replace;
  struct sigaction ours{};
  ours.sa_sigaction = OnSignal;
  ours.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  (void)sigemptyset(&ours.sa_mask);
  (void)sigaction(SIGBUS, &ours, nullptr);
}

}  // namespace zerocopy::os
