// A file descriptor with one owner, which closes it.
#ifndef ZEROCOPY_OS_DESCRIPTOR_H_
#define ZEROCOPY_OS_DESCRIPTOR_H_

#include <utility>

#include "os/result.h"

namespace zerocopy::os {

// The descriptor is gone whatever the answer (close(2)): never call it again for the same one.
Status Close(int descriptor);

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() {
    if (fd_ >= 0) (void)Close(fd_);
  }

  int get() const { return fd_; }

  // From here on somebody else closes it.
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

}  // namespace zerocopy::os

#endif  // ZEROCOPY_OS_DESCRIPTOR_H_
