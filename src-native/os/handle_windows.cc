#include "os/handle_windows.h"

#include <errno.h>

#include "os/library.h"

namespace zerocopy::os {
namespace {

// libuv's own declarations, but for the types of requests, of which only the size matters.
using GetHandle = HANDLE (*)(int descriptor);
using OpenHandle = int (*)(HANDLE handle);
using CloseFile = int (*)(void* loop, void* request, int descriptor, void* callback);
using RequestSize = size_t (*)(int type);

// Looked up when the library is loaded.
const auto get_handle = reinterpret_cast<GetHandle>(FindInProgram("uv_get_osfhandle"));
const auto open_handle = reinterpret_cast<OpenHandle>(FindInProgram("uv_open_osfhandle"));
const auto close_file = reinterpret_cast<CloseFile>(FindInProgram("uv_fs_close"));
const auto request_size = reinterpret_cast<RequestSize>(FindInProgram("uv_req_size"));

struct Meaning {
  DWORD error;
  int number;
};

constexpr Meaning kMeanings[] = {
    {ERROR_ACCESS_DENIED, EACCES},       {ERROR_BROKEN_PIPE, EPIPE},        {ERROR_COMMITMENT_LIMIT, ENOMEM},
    {ERROR_DISK_FULL, ENOSPC},           {ERROR_FILE_TOO_LARGE, EFBIG},     {ERROR_HANDLE_DISK_FULL, ENOSPC},
    {ERROR_INVALID_HANDLE, EBADF},       {ERROR_INVALID_PARAMETER, EINVAL}, {ERROR_LOCK_VIOLATION, EBUSY},
    {ERROR_NO_SYSTEM_RESOURCES, ENOMEM}, {ERROR_NOACCESS, EFAULT},          {ERROR_NOT_ENOUGH_MEMORY, ENOMEM},
    {ERROR_NOT_ENOUGH_QUOTA, ENOMEM},    {ERROR_NOT_SUPPORTED, ENOSYS},     {ERROR_OUTOFMEMORY, ENOMEM},
    {ERROR_PARTIAL_COPY, EFAULT},        {ERROR_SHARING_VIOLATION, EBUSY},  {ERROR_TOO_MANY_OPEN_FILES, EMFILE},
    {ERROR_USER_MAPPED_FILE, EBUSY},     {ERROR_WORKING_SET_QUOTA, ENOMEM}, {ERROR_WRITE_PROTECT, EROFS},
};

}  // namespace

OsError LastError(const char* call) {
  const DWORD error = GetLastError();
  for (const Meaning& meaning : kMeanings) {
    if (meaning.error == error) return {meaning.number, call};
  }
  return {EIO, call};
}

Result<HANDLE> HandleOf(int descriptor) {
  if (get_handle == nullptr) return OsError{ENOSYS, "uv_get_osfhandle"};
  HANDLE handle = descriptor < 0 ? INVALID_HANDLE_VALUE : get_handle(descriptor);
  if (handle == INVALID_HANDLE_VALUE) return OsError{EBADF, "uv_get_osfhandle"};
  return handle;
}

Result<Descriptor> DescriptorOf(HANDLE handle) {
  const int descriptor = open_handle == nullptr ? -1 : open_handle(handle);
  if (descriptor >= 0) return Descriptor(descriptor);
  CloseHandle(handle);
  return OsError{open_handle == nullptr ? ENOSYS : EMFILE, "uv_open_osfhandle"};
}

// Only the C library that has the number can close it, and without a loop libuv does so at once, on this thread.
Status Close(int descriptor) {
  constexpr int kFileRequest = 6;  // UV_FS
  alignas(16) char request[2048] = {};
  const bool fits = close_file != nullptr && request_size != nullptr && request_size(kFileRequest) <= sizeof(request);
  if (!fits) return OsError{ENOSYS, "uv_fs_close"};
  return close_file(nullptr, request, descriptor, nullptr) == 0 ? Status(Nothing{}) : OsError{EBADF, "uv_fs_close"};
}

}  // namespace zerocopy::os
