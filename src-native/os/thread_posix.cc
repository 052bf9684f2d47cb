#include <errno.h>
#include <pthread.h>
#include <signal.h>

#include "os/thread.h"

namespace zerocopy::os {
namespace {

constexpr size_t kStackSize = size_t{256} * 1024;

sigset_t AllButFaults() {
  sigset_t signals;
  sigfillset(&signals);
  for (const int fault : {SIGBUS, SIGSEGV, SIGFPE, SIGILL, SIGTRAP}) sigdelset(&signals, fault);
  return signals;
}

}  // namespace

Result<Thread> Thread::Start(void* (*run)(void*), void* argument) {
  const sigset_t blocked = AllButFaults();
  sigset_t before;
  pthread_attr_t attributes;
  pthread_t thread;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kStackSize);
  // A thread inherits the mask of its maker: blocked from its first instruction on.
  pthread_sigmask(SIG_SETMASK, &blocked, &before);
  const int number = pthread_create(&thread, &attributes, run, argument);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
  if (number != 0) return OsError{number, "pthread_create"};
  return Thread((uintptr_t)thread);  // an integer here, a pointer there: only this cast does both
}

void Thread::Join() {
  if (handle_ != 0) pthread_join((pthread_t)std::exchange(handle_, 0), nullptr);
}

}  // namespace zerocopy::os
