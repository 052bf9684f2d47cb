#include <windows.h>

#include <cstring>

#include "os/fault_handler.h"

namespace zerocopy::os {
namespace {

ReplaceFault replace_fault = nullptr;
INIT_ONCE installed = INIT_ONCE_STATIC_INIT;

// EXCEPTION_IN_PAGE_ERROR: the disk or the network fails. EXCEPTION_ACCESS_VIOLATION: pages that are being replaced,
// or were, or that may not be written yet (memory_map_windows.cc). Everything else, and every address that is not
// ours, goes to the next handler.
LONG CALLBACK OnException(EXCEPTION_POINTERS* exception) {
  const EXCEPTION_RECORD& record = *exception->ExceptionRecord;
  const bool is_memory =
      record.ExceptionCode == EXCEPTION_IN_PAGE_ERROR || record.ExceptionCode == EXCEPTION_ACCESS_VIOLATION;
  if (!is_memory || record.NumberParameters < 2) return EXCEPTION_CONTINUE_SEARCH;
  constexpr ULONG_PTR kWrite = 1;  // 0: reading; 8: executing, which zeros cannot help
  if (record.ExceptionInformation[0] > kWrite) return EXCEPTION_CONTINUE_SEARCH;
  const DWORD interrupted_error = GetLastError();
  const bool replaced = replace_fault(record.ExceptionInformation[1]);
  SetLastError(interrupted_error);
  return replaced ? EXCEPTION_CONTINUE_EXECUTION : EXCEPTION_CONTINUE_SEARCH;
}

BOOL CALLBACK Install(PINIT_ONCE, PVOID replace, PVOID*) {
  char value[4] = {};
  const DWORD length = GetEnvironmentVariableA("ZEROCOPY_SIGBUS", value, sizeof(value));
  if (length == 3 && strcmp(value, "off") == 0) return TRUE;
  replace_fault = reinterpret_cast<ReplaceFault>(replace);
  AddVectoredExceptionHandler(1, OnException);
  return TRUE;
}

}  // namespace

// No other handler can take our place in the list: once is enough.
void InstallFaultHandler(ReplaceFault replace) {
  InitOnceExecuteOnce(&installed, Install, reinterpret_cast<void*>(replace), nullptr);
}

}  // namespace zerocopy::os
