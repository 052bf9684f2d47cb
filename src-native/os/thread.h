// A thread of our own: small stack, no signals, always joined.
#ifndef ZEROCOPY_OS_THREAD_H_
#define ZEROCOPY_OS_THREAD_H_

#include <cstdint>

#include "os/result.h"

namespace zerocopy::os {

using ThreadId = uintptr_t;  // the system's own handle, whatever its type

// Starts `run(argument)`. The thread blocks every signal but those a faulty instruction raises: the
// process's handlers run on the process's own threads, and a broken pipe is EPIPE, never SIGPIPE.
Result<ThreadId> StartThread(void* (*run)(void*), void* argument);
void JoinThread(ThreadId thread);

}  // namespace zerocopy::os

#endif  // ZEROCOPY_OS_THREAD_H_
