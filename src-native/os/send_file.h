// One step of a transfer from a file to any descriptor. One .cc per system.
//
// Errors common to all: EAGAIN when the output would have to wait, EPIPE and ECONNRESET when its reader is
// gone, EINVAL when the system cannot send this pair of files. EINTR is repeated inside (PEP 475).
#ifndef ZEROCOPY_OS_SEND_FILE_H_
#define ZEROCOPY_OS_SEND_FILE_H_

#include <cstddef>
#include <cstdint>

#include "os/result.h"

namespace zerocopy::os {

// sendfile(2): at most `count` bytes from `*offset` of `in` to `out`; with no offset, from the position of
// `in`, which moves. `*offset` is left alone. May send less than asked for; 0 is the end of the file.
Result<size_t> SendFile(int out, int in, const uint64_t* offset, size_t count);

// May `length` bytes of `in` from `offset` be sent without waiting for a disk? Asked at a few points with
// preadv2(RWF_NOWAIT). Of the alternatives, cachestat(2) counts pages that are still being read and mincore(2)
// calls everything resident for a process that does not own the file. False where the system cannot say.
bool IsCached(int in, uint64_t offset, size_t length);

// Reads `count` bytes of `in` from `offset`, or as many as there are, without waiting for a disk; EAGAIN where it would
// have to, or cannot say.
Result<size_t> ReadCached(int in, uint64_t offset, void* buffer, size_t count);

}  // namespace zerocopy::os

#endif  // ZEROCOPY_OS_SEND_FILE_H_
