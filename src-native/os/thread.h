// A thread of our own: small stack, no signals, always joined.
#ifndef ZEROCOPY_OS_THREAD_H_
#define ZEROCOPY_OS_THREAD_H_

#include <cstdint>
#include <utility>

#include "os/result.h"

namespace zerocopy::os {

class Thread {
 public:
  // Starts `run(argument)`. The thread blocks every signal but those a faulty instruction raises: the process's
  // handlers run on the process's own threads, and a broken pipe is EPIPE, never SIGPIPE. EAGAIN: the system gives no
  // more.
  static Result<Thread> Start(void* (*run)(void*), void* argument);

  Thread() = default;
  Thread(Thread&& other) noexcept : handle_(std::exchange(other.handle_, 0)) {}
  Thread& operator=(Thread&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Thread() { Join(); }

  // Waits until it has ended; no effect once it was joined.
  void Join();

 private:
  explicit Thread(uintptr_t handle) : handle_(handle) {}

  uintptr_t handle_ = 0;  // the system's own, whatever its type; 0: none
};

}  // namespace zerocopy::os

#endif  // ZEROCOPY_OS_THREAD_H_
