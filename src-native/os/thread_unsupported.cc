// Systems on which nothing has threads of its own yet.
#include <errno.h>

#include "os/thread.h"

namespace zerocopy::os {

Result<Thread> Thread::Start(void* (*)(void*), void*) { return OsError{ENOSYS, "pthread_create"}; }

void Thread::Join() {}

}  // namespace zerocopy::os
