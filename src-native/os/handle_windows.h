// Windows: the handle behind a descriptor, and what a call that failed means.
//
// Descriptors are numbers of the C library inside the program that loaded us. Ours has numbers of its own, so the
// program's libuv, which it exports for this, goes between; it is looked up by name (library.h), for not every program
// is called node.exe. ENOSYS where a program exports none.
#ifndef ZEROCOPY_OS_HANDLE_WINDOWS_H_
#define ZEROCOPY_OS_HANDLE_WINDOWS_H_

#include <windows.h>

#include "os/descriptor.h"
#include "os/result.h"

namespace zerocopy::os {

// Belongs to the descriptor. EBADF.
Result<HANDLE> HandleOf(int descriptor);

// Owns `handle` from now on; when there is no descriptor for it (EMFILE), the handle is closed.
Result<Descriptor> DescriptorOf(HANDLE handle);

// GetLastError() as the errno that the same mishap has elsewhere. To be called right after `call` failed.
OsError LastError(const char* call);

}  // namespace zerocopy::os

#endif  // ZEROCOPY_OS_HANDLE_WINDOWS_H_
