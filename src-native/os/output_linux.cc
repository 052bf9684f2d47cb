#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/file.h"
#include "os/open_again_linux.h"
#include "os/output.h"

namespace zerocopy::os {
namespace {

// A pipe that nobody reads is a broken one.
Result<Descriptor> OpenUnblocked(int fd) {
  auto opened = OpenAgain(fd, O_WRONLY);
  if (opened.error().number == ENXIO) return OsError{EPIPE, "sendfile"};
  return opened;
}

// The count, or the errno, of a call that EINTR repeats.
template <typename Call>
Result<size_t> Repeat(const char* name, Call call) {
  for (;;) {
    const ssize_t done = call();
    if (done >= 0) return static_cast<size_t>(done);
    const int number = errno;
    if (number != EINTR) return OsError{number, name};
  }
}

// Of such a socket epoll never says that it can be written to, or that it cannot.
bool Listens(int socket) {
  int listens = 0;
  socklen_t size = sizeof listens;
  return getsockopt(socket, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens != 0;
}

}  // namespace

Result<Output> OpenOutput(int fd) {
  struct stat about = {};
  if (fstat(fd, &about) != 0) return OsError{errno, "fstat"};
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0) return OsError{errno, "fcntl"};
  const bool blocks = (flags & O_NONBLOCK) == 0;
  const bool can_open_again = S_ISFIFO(about.st_mode) || S_ISCHR(about.st_mode);
  Output output;
  output.is_socket = S_ISSOCK(about.st_mode);
  if (output.is_socket && Listens(fd)) return OsError{EPIPE, "sendfile"};
  output.must_copy = output.is_socket && blocks;
  auto descriptor = blocks && can_open_again ? OpenUnblocked(fd) : Duplicate(fd);
  if (!descriptor.ok()) return descriptor.error();
  output.descriptor = std::move(descriptor.value());
  return output;
}

Result<size_t> WriteSome(const Output& output, const void* data, size_t count) {
  const int fd = output.descriptor.get();
  if (output.is_socket) return SendNow(fd, data, count, Follows::kNothing);
  return Repeat("write", [&] { return write(fd, data, count); });
}

Result<size_t> SendNow(int socket, const void* data, size_t count, Follows follows) {
  const int flags = MSG_NOSIGNAL | MSG_DONTWAIT | (follows == Follows::kMore ? MSG_MORE : 0);
  return Repeat("send", [&] { return send(socket, data, count, flags); });
}

Result<size_t> CopySome(const Output& output, int in, uint64_t offset, void* buffer, size_t count) {
  const auto got = ReadAt(in, buffer, count, offset);
  if (!got.ok() || got.value() == 0) return got;
  return WriteSome(output, buffer, got.value());
}

uint64_t Unacknowledged(const Output& output) {
  int bytes = 0;
  if (!output.is_socket || ioctl(output.descriptor.get(), SIOCOUTQ, &bytes) != 0) return 0;
  return static_cast<uint64_t>(bytes);
}

}  // namespace zerocopy::os
