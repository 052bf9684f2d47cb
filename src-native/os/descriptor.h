// A file descriptor with one owner, which closes it.
#ifndef ZEROCOPY_OS_DESCRIPTOR_H_
#define ZEROCOPY_OS_DESCRIPTOR_H_

#include <utility>

#include "os/file.h"
#include "os/result.h"

namespace zerocopy::os {

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

// A second number for the same open file: it stays what it is when the caller closes his and the number is
// given to another file. EBADF, EMFILE.
inline Result<Descriptor> OwnDuplicate(int fd) {
  const auto copy = Duplicate(fd);
  if (!copy.ok()) return copy.error();
  return Descriptor(copy.value());
}

}  // namespace zerocopy::os

#endif  // ZEROCOPY_OS_DESCRIPTOR_H_
