// What can leave at once, on the caller's own thread: the first bytes of a file, and the head before them.
//
// Handing a job to the pump costs more than sending a small file. A head that leaves by itself costs a segment, a
// system call, and the client a wake-up.
#ifndef ZEROCOPY_TRANSFER_INLINE_SEND_H_
#define ZEROCOPY_TRANSFER_INLINE_SEND_H_

#include <cstddef>
#include <cstdint>

namespace zerocopy::transfer {

// The longest head, bytes; a longer one leaves by another way.
constexpr size_t kMostHead = size_t{16} * 1024;

struct Head {
  const void* data = nullptr;
  size_t length = 0;
};

// Sends `head`, then at most `length` bytes of the file `in` from `offset`, as far as neither disk nor peer has to be
// waited for. How much left, the head counted; 0 when nothing did: whatever went wrong, the pump meets it again and
// reports it. `socket` must not block.
size_t SendInline(int socket, Head head, int in, uint64_t offset, uint64_t length);

}  // namespace zerocopy::transfer

#endif  // ZEROCOPY_TRANSFER_INLINE_SEND_H_
