// Windows maps *views* of *sections* of files. A view goes as a whole: no part of it can be replaced. So that nobody
// else's memory can ever come to lie where a view was while somebody may still look there, views are put into
// *placeholders* (Windows 10 1803), which keep the range of addresses when the view is taken out of them.
//
//     placeholder --MapViewOfFile3--> view --UnmapViewOfFile2--> placeholder --VirtualAlloc2--> reserved pages
//                                                                              that become zeros when looked at
//
// On older systems views lie in no placeholder; there a page that cannot be read ends the process as it would without
// us, and nothing is ever taken away under anybody.
#include <errno.h>
#include <windows.h>

#include <algorithm>

#include "os/file.h"
#include "os/handle_windows.h"
#include "os/memory_map.h"
#include "os/page.h"

namespace zerocopy::os {
namespace {

// Not in the headers of every compiler.
constexpr DWORD kReservePlaceholder = 0x00040000;   // MEM_RESERVE_PLACEHOLDER
constexpr DWORD kReplacePlaceholder = 0x00004000;   // MEM_REPLACE_PLACEHOLDER
constexpr DWORD kPreservePlaceholder = 0x00000002;  // MEM_PRESERVE_PLACEHOLDER

using AllocateAt = void*(WINAPI*)(HANDLE, void*, SIZE_T, ULONG, ULONG, void*, ULONG);
using MapAt = void*(WINAPI*)(HANDLE, HANDLE, void*, ULONG64, SIZE_T, ULONG, ULONG, void*, ULONG);
using UnmapAt = BOOL(WINAPI*)(HANDLE, void*, ULONG);

// Looked up, so that the library loads where they are not there.
struct Placeholders {
  AllocateAt allocate;
  MapAt map;
  UnmapAt unmap;
  bool ok() const { return allocate != nullptr && map != nullptr && unmap != nullptr; }
};

Placeholders FindPlaceholders() {
  HMODULE base = GetModuleHandleA("kernelbase.dll");
  if (base == nullptr) return {};
  const auto find = [&](const char* name) { return reinterpret_cast<void*>(GetProcAddress(base, name)); };
  return {reinterpret_cast<AllocateAt>(find("VirtualAlloc2")), reinterpret_cast<MapAt>(find("MapViewOfFile3")),
          reinterpret_cast<UnmapAt>(find("UnmapViewOfFile2"))};
}

// When the library is loaded: the fault handler has no time for it.
const Placeholders placeholders = FindPlaceholders();

const SYSTEM_INFO about_system = [] {
  SYSTEM_INFO info = {};
  GetSystemInfo(&info);
  return info;
}();

// Held while a view is taken away until something else is in its place: threads that fault meanwhile wait here. No
// thread holds it while touching mapped memory.
SRWLOCK replacing = SRWLOCK_INIT;

class ReplacingLock {
 public:
  ReplacingLock() { AcquireSRWLockExclusive(&replacing); }
  ReplacingLock(const ReplacingLock&) = delete;
  ReplacingLock& operator=(const ReplacingLock&) = delete;
  ~ReplacingLock() { ReleaseSRWLockExclusive(&replacing); }
};

MEMORY_BASIC_INFORMATION Query(const void* address) {
  MEMORY_BASIC_INFORMATION about = {};
  (void)VirtualQuery(address, &about, sizeof(about));
  return about;
}

// A private view counts in full against what the system can promise to all processes, as if every page were going to
// be written. A view to be read may have an eighth of what is left; larger ones are read-only, and each page becomes
// private when it is first written to (MakeAccessible).
bool MayBePrivate(uint64_t length) {
  constexpr uint64_t kShare = 8;
  MEMORYSTATUSEX memory = {};
  memory.dwLength = sizeof(memory);
  return GlobalMemoryStatusEx(&memory) != 0 && length <= memory.ullAvailPageFile / kShare;
}

DWORD ProtectionOf(Access access, uint64_t length) {
  if (access == Access::kWrite) return PAGE_READWRITE;
  return access == Access::kCopy || MayBePrivate(length) ? PAGE_WRITECOPY : PAGE_READONLY;
}

DWORD ViewAccessOf(DWORD protection) {
  if (protection == PAGE_READWRITE) return FILE_MAP_READ | FILE_MAP_WRITE;
  return protection == PAGE_WRITECOPY ? FILE_MAP_COPY : FILE_MAP_READ;
}

// `pages` is where the view lies in the file; of its last page, the file may have a part only: `bytes`, all in all.
void* MapView(HANDLE section, ByteRange pages, uint64_t bytes, DWORD protection) {
  HANDLE self = GetCurrentProcess();
  void* place = placeholders.ok() ? placeholders.allocate(self, nullptr, pages.length,
                                                          MEM_RESERVE | kReservePlaceholder, PAGE_NOACCESS, nullptr, 0)
                                  : nullptr;
  if (place != nullptr) {
    void* view =
        placeholders.map(section, self, place, pages.offset, bytes, kReplacePlaceholder, protection, nullptr, 0);
    if (view != nullptr) return view;
    VirtualFree(place, 0, MEM_RELEASE);
  }
  const auto high = static_cast<DWORD>(pages.offset >> 32);
  return MapViewOfFile(section, ViewAccessOf(protection), high, static_cast<DWORD>(pages.offset), bytes);
}

// A page at a time, in the kernel, where a page that cannot be read is an answer and no exception.
Status Touch(const char* address, uint64_t length) {
  for (uint64_t page = 0; page < length; page += PageSize()) {
    char byte = 0;
    SIZE_T got = 0;
    if (ReadProcessMemory(GetCurrentProcess(), address + page, &byte, 1, &got) == 0) {
      return OsError{EFAULT, "ReadProcessMemory"};
    }
  }
  return Nothing{};
}

Status Prefetch(void* address, uint64_t length) {
  WIN32_MEMORY_RANGE_ENTRY range = {address, length};
  if (PrefetchVirtualMemory(GetCurrentProcess(), 1, &range, 0) == 0) return LastError("PrefetchVirtualMemory");
  return Nothing{};
}

// A process may lock a few pages less than its smallest working set.
bool MakeRoomToLock(uint64_t length) {
  constexpr uint64_t kSpare = uint64_t{1} << 20;
  SIZE_T least = 0;
  SIZE_T most = 0;
  HANDLE self = GetCurrentProcess();
  if (GetProcessWorkingSetSize(self, &least, &most) == 0) return false;
  const uint64_t wanted = least + length + kSpare;
  return SetProcessWorkingSetSize(self, wanted, std::max<uint64_t>(most, wanted + kSpare)) != 0;
}

}  // namespace

uint64_t PageSize() { return about_system.dwPageSize; }

uint64_t MapGranularity() { return about_system.dwAllocationGranularity; }

// No limit to speak of.
int64_t MapLimit() { return INT64_MAX / 16; }
int64_t CountMaps() { return 0; }

Result<void*> MapFile(int descriptor, ByteRange pages, Access access) {
  const auto file = HandleOf(descriptor);
  if (!file.ok()) return file.error();
  const auto size = SizeOf(descriptor);
  if (!size.ok()) return size.error();
  // Beyond the file there is nothing to map; it has been cut since the caller asked for its length.
  const ByteRange file_pages = PagesAround({0, size.value()}, PageSize()).aligned;
  if (!Fits(pages, file_pages.length)) return OsError{EINVAL, "MapViewOfFile"};
  const DWORD protection = ProtectionOf(access, pages.length);
  const DWORD of_section = access == Access::kWrite ? PAGE_READWRITE : PAGE_WRITECOPY;
  HANDLE section = CreateFileMappingW(file.value(), nullptr, of_section, 0, 0, nullptr);
  if (section == nullptr) return LastError("CreateFileMapping");
  void* view = MapView(section, pages, std::min(pages.length, size.value() - pages.offset), protection);
  const OsError error = view == nullptr ? LastError("MapViewOfFile") : OsError{};
  CloseHandle(section);  // the view keeps it
  if (view == nullptr) return error;
  return view;
}

Status Unmap(void* address, uint64_t) {
  const bool is_view = Query(address).Type == MEM_MAPPED;
  const BOOL gone = is_view ? UnmapViewOfFile(address) : VirtualFree(address, 0, MEM_RELEASE);
  return gone != 0 ? Status(Nothing{}) : LastError(is_view ? "UnmapViewOfFile" : "VirtualFree");
}

ByteRange LostWith(ByteRange, ByteRange whole) { return whole; }

Status ReplaceWithZeros(void* address, uint64_t length) {
  if (!placeholders.ok()) return OsError{ENOSYS, "UnmapViewOfFile2"};
  const ReplacingLock lock;
  if (Query(address).Type == MEM_PRIVATE) return Nothing{};  // another thread was faster
  HANDLE self = GetCurrentProcess();
  if (placeholders.unmap(self, address, kPreservePlaceholder) == 0) return LastError("UnmapViewOfFile2");
  const DWORD how = MEM_RESERVE | kReplacePlaceholder;
  if (placeholders.allocate(self, address, length, how, PAGE_READWRITE, nullptr, 0) == nullptr) {
    return LastError("VirtualAlloc2");
  }
  return Nothing{};
}

bool MakeAccessible(void* address, uint64_t length) {
  const ReplacingLock lock;
  const MEMORY_BASIC_INFORMATION about = Query(address);
  if (about.Type == MEM_PRIVATE) return VirtualAlloc(address, length, MEM_COMMIT, PAGE_READWRITE) != nullptr;
  DWORD before = 0;
  return about.Protect == PAGE_READONLY && VirtualProtect(address, length, PAGE_WRITECOPY, &before) != 0;
}

Status Flush(void* address, uint64_t length, int descriptor) {
  if (FlushViewOfFile(address, length) == 0) return LastError("FlushViewOfFile");
  if (descriptor < 0) return Nothing{};
  const auto file = HandleOf(descriptor);
  if (!file.ok()) return file.error();
  if (FlushFileBuffers(file.value()) == 0) return LastError("FlushFileBuffers");
  return Nothing{};
}

// The system tells which pages are in this process's working set, and not which of a file's are in memory.
Status Residency(void*, uint64_t, uint8_t*) { return OsError{ENOSYS, "mincore"}; }

Status Lock(void* address, uint64_t length) {
  if (VirtualLock(address, length) != 0) return Nothing{};
  if (GetLastError() == ERROR_WORKING_SET_QUOTA && MakeRoomToLock(length) && VirtualLock(address, length) != 0) {
    return Nothing{};
  }
  return LastError("VirtualLock");
}

// It refuses a range of which a page is not locked.
Status Unlock(void* address, uint64_t length) {
  if (VirtualUnlock(address, length) != 0) return Nothing{};
  for (uint64_t page = 0; page < length; page += PageSize()) {
    if (VirtualUnlock(static_cast<char*>(address) + page, PageSize()) != 0) continue;
    if (GetLastError() != ERROR_NOT_LOCKED) return LastError("VirtualUnlock");
  }
  return Nothing{};
}

uint64_t LockLimit() { return UINT64_MAX; }

Status Populate(void* address, uint64_t length) {
  (void)Prefetch(address, length);  // in large pieces, where the system can
  return Touch(static_cast<const char*>(address), length);
}

Status Advise(void* address, uint64_t length, Advice advice) {
  return advice == Advice::kWillNeed ? Prefetch(address, length) : OsError{ENOSYS, "madvise"};
}

}  // namespace zerocopy::os
