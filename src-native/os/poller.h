// A set of descriptors that several threads wait on, and a bell that wakes one when none is ready.
#ifndef ZEROCOPY_OS_POLLER_H_
#define ZEROCOPY_OS_POLLER_H_

#include <cstdint>

#include "os/descriptor.h"
#include "os/result.h"

namespace zerocopy::os {

class Poller {
 public:
  static constexpr uint64_t kBell = 0;

  static Result<Poller> Open();

  // Waits once for `fd` to be writable, broken or closed: exactly one Wait() then answers `token` (not kBell).
  // EPERM: the descriptor is always ready and cannot be waited for (regular files).
  Status Add(int fd, uint64_t token);
  // Waits for it once more; goes behind those that are ready already.
  Status Arm(int fd, uint64_t token);
  // Must come before the descriptor is closed: while another number of the same open file lives, the system
  // would keep reporting it.
  void Remove(int fd);

  // One thread's Wait() answers kBell for each ring, until it is answered.
  void Ring();
  // Takes one ring off the bell; false if another thread was faster.
  bool AnswerBell();
  // The token of one event. Blocks. Any number of threads may wait; each event goes to one.
  uint64_t Wait();

 private:
  Descriptor set_;
  Descriptor bell_;
};

}  // namespace zerocopy::os

#endif  // ZEROCOPY_OS_POLLER_H_
