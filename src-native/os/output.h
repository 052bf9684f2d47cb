// A transfer's output, opened so that no call on it blocks for long.
#ifndef ZEROCOPY_OS_OUTPUT_H_
#define ZEROCOPY_OS_OUTPUT_H_

#include <cstddef>
#include <cstdint>

#include "os/descriptor.h"
#include "os/result.h"

namespace zerocopy::os {

struct Output {
  Descriptor descriptor;
  bool is_socket = false;
  // A socket in blocking mode: its mode belongs to its owner, and only send(2) can be told not to wait.
  bool must_copy = false;
};

// An output of our own over the caller's `fd`. A pipe or terminal in blocking mode is opened again
// (/proc/self/fd) so that our half does not wait and the caller's keeps its mode. Errors: EBADF, EMFILE.
Result<Output> OpenOutput(int fd);

// Writes some of `count` bytes without waiting and without SIGPIPE. Errors as SendFile; EFAULT when the
// memory cannot be read.
Result<size_t> WriteSome(const Output& output, const void* data, size_t count);

// The same on a socket's own number. kMore: more is sent at once, and a segment that is not full waits for it
// (MSG_MORE).
enum class Follows : uint8_t { kNothing, kMore };
Result<size_t> SendNow(int socket, const void* data, size_t count, Follows follows);

// Reads some bytes at `offset` into `buffer` and writes them: where sendfile refuses (files of /proc, outputs
// opened with O_APPEND). The count written; 0 is the end of the file.
Result<size_t> CopySome(const Output& output, int in, uint64_t offset, void* buffer, size_t count);

// Bytes that a socket has taken and the peer has not acknowledged (SIOCOUTQ); 0 for everything else.
uint64_t Unacknowledged(const Output& output);

}  // namespace zerocopy::os

#endif  // ZEROCOPY_OS_OUTPUT_H_
