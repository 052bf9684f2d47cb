// Descriptors with one owner between them: what is still in the set at its end is closed with it.
#ifndef ZEROCOPY_OS_DESCRIPTOR_SET_H_
#define ZEROCOPY_OS_DESCRIPTOR_SET_H_

#include <cerrno>
#include <cstddef>
#include <vector>

#include "os/descriptor.h"
#include "os/result.h"

namespace zerocopy::os {

class DescriptorSet {
 public:
  DescriptorSet() = default;
  DescriptorSet(const DescriptorSet&) = delete;
  DescriptorSet& operator=(const DescriptorSet&) = delete;
  ~DescriptorSet() {
    for (size_t fd = 0; fd < has_.size(); fd++) {
      if (has_[fd]) (void)os::Close(static_cast<int>(fd));
    }
  }

  // Its number, which is in the set from here on.
  int Add(Descriptor descriptor) {
    const int fd = descriptor.Release();
    const auto place = static_cast<size_t>(fd);
    if (place >= has_.size()) has_.resize(place + 1, false);
    has_[place] = true;
    return fd;
  }

  // EBADF for a number that is not in the set: it is somebody else's file, whatever it was before.
  Status Close(int fd) {
    const auto place = static_cast<size_t>(fd);
    if (fd < 0 || place >= has_.size() || !has_[place]) return OsError{EBADF, "close"};
    has_[place] = false;
    return os::Close(fd);
  }

 private:
  std::vector<bool> has_;  // by number: the kernel gives the lowest that is free
};

}  // namespace zerocopy::os

#endif  // ZEROCOPY_OS_DESCRIPTOR_SET_H_
