#include <errno.h>
#include <windows.h>

#include <algorithm>

#include "os/file.h"
#include "os/handle_windows.h"
#include "os/page.h"

namespace zerocopy::os {
namespace {

constexpr uint64_t kMostAtOnce = uint64_t{1} << 30;  // ReadFile and WriteFile count in 32 bits

OVERLAPPED At(uint64_t offset) {
  OVERLAPPED place = {};
  place.Offset = static_cast<DWORD>(offset);
  place.OffsetHigh = static_cast<DWORD>(offset >> 32);
  return place;
}

// What the file's position is, put back at the end: reading at an offset moves it.
class Position {
 public:
  explicit Position(HANDLE file) : file_(file), known_(SetFilePointerEx(file, {}, &position_, FILE_CURRENT) != 0) {}
  Position(const Position&) = delete;
  Position& operator=(const Position&) = delete;
  ~Position() {
    if (known_) SetFilePointerEx(file_, position_, nullptr, FILE_BEGIN);
  }

 private:
  HANDLE file_;
  LARGE_INTEGER position_ = {};
  bool known_;
};

// As libuv reports it: missing access is EBADF.
OsError TransferError(const char* call) {
  const OsError error = LastError(call);
  return error.number == EACCES ? OsError{EBADF, call} : error;
}

Result<BY_HANDLE_FILE_INFORMATION> FactsOf(int descriptor) {
  const auto handle = HandleOf(descriptor);
  if (!handle.ok()) return handle.error();
  BY_HANDLE_FILE_INFORMATION facts = {};
  if (GetFileInformationByHandle(handle.value(), &facts) == 0) return LastError("GetFileInformationByHandle");
  return facts;
}

Result<HANDLE> CreateTemporaryFile() {
  wchar_t folder[MAX_PATH + 1];
  wchar_t path[MAX_PATH + 1];
  if (GetTempPathW(MAX_PATH, folder) == 0) return LastError("GetTempPath");
  if (GetTempFileNameW(folder, L"zc", 0, path) == 0) return LastError("GetTempFileName");
  const DWORD share = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
  const DWORD flags = FILE_ATTRIBUTE_TEMPORARY | FILE_FLAG_DELETE_ON_CLOSE;
  HANDLE file =
      CreateFileW(path, GENERIC_READ | GENERIC_WRITE | DELETE, share, nullptr, TRUNCATE_EXISTING, flags, nullptr);
  if (file == INVALID_HANDLE_VALUE) return LastError("CreateFile");
  return file;
}

}  // namespace

Result<Descriptor> Duplicate(int descriptor) {
  const auto handle = HandleOf(descriptor);
  if (!handle.ok()) return handle.error();
  HANDLE self = GetCurrentProcess();
  HANDLE copy = nullptr;
  const BOOL made = DuplicateHandle(self, handle.value(), self, &copy, 0, FALSE, DUPLICATE_SAME_ACCESS);
  if (made == 0) return LastError("DuplicateHandle");
  return DescriptorOf(copy);
}

Result<uint64_t> SizeOf(int descriptor) {
  const auto handle = HandleOf(descriptor);
  if (!handle.ok()) return handle.error();
  LARGE_INTEGER size = {};
  if (GetFileSizeEx(handle.value(), &size) == 0) return LastError("GetFileSizeEx");
  return static_cast<uint64_t>(size.QuadPart);
}

Result<uint64_t> MappableLength(int descriptor) {
  const auto handle = HandleOf(descriptor);
  if (!handle.ok()) return OsError{handle.error().number, "fstat"};
  BY_HANDLE_FILE_INFORMATION about = {};
  const bool is_disk = GetFileType(handle.value()) == FILE_TYPE_DISK;
  if (!is_disk || GetFileInformationByHandle(handle.value(), &about) == 0) return OsError{ENODEV, "mmap"};
  if ((about.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0) return OsError{EISDIR, "mmap"};
  return SizeOf(descriptor);
}

Result<FileIdentity> IdentityOf(int descriptor) {
  const auto facts = FactsOf(descriptor);
  if (!facts.ok()) return facts.error();
  constexpr int kHalf = 32;
  const auto high = static_cast<uint64_t>(facts.value().nFileIndexHigh);
  return FileIdentity{facts.value().dwVolumeSerialNumber, high << kHalf | facts.value().nFileIndexLow};
}

// A file that the system writes out only when memory is short, and that is gone with its last handle. It cannot be cut
// while it is mapped, no file can: each is as good as sealed. Names are not shown anywhere.
Result<Descriptor> CreateMemoryFile(const char*, uint64_t size, bool) {
  const auto handle = CreateTemporaryFile();
  if (!handle.ok()) return handle.error();
  auto file = DescriptorOf(handle.value());
  if (!file.ok()) return file;
  const Status extended = SetLength(file.value().get(), size);
  if (!extended.ok()) return extended.error();
  return file;
}

Status SetLength(int descriptor, uint64_t size) {
  const auto handle = HandleOf(descriptor);
  if (!handle.ok()) return handle.error();
  FILE_END_OF_FILE_INFO end = {};
  end.EndOfFile.QuadPart = static_cast<LONGLONG>(size);
  if (SetFileInformationByHandle(handle.value(), FileEndOfFileInfo, &end, sizeof(end)) == 0) {
    return LastError("SetEndOfFile");
  }
  return Nothing{};
}

// A file that becomes longer gets its clusters then and there, unless it is sparse.
Status Allocate(int descriptor, ByteRange range) {
  const auto size = SizeOf(descriptor);
  if (!size.ok()) return size.error();
  if (range.length == 0) return Nothing{};
  if (!Fits(range, kMaxLength)) return OsError{EFBIG, "SetEndOfFile"};
  return End(range) <= size.value() ? Nothing{} : SetLength(descriptor, End(range));
}

Status DropFromCache(int) { return OsError{ENOSYS, "posix_fadvise"}; }

Result<size_t> ReadAt(int descriptor, void* target, size_t count, uint64_t offset) {
  const auto handle = HandleOf(descriptor);
  if (!handle.ok()) return handle.error();
  const Position position(handle.value());
  OVERLAPPED place = At(offset);
  DWORD got = 0;
  if (ReadFile(handle.value(), target, static_cast<DWORD>(std::min<uint64_t>(count, kMostAtOnce)), &got, &place) != 0) {
    return static_cast<size_t>(got);
  }
  if (GetLastError() == ERROR_HANDLE_EOF) return size_t{0};
  return TransferError("ReadFile");
}

Result<size_t> WriteAt(int descriptor, const void* source, size_t count, uint64_t offset) {
  const auto handle = HandleOf(descriptor);
  if (!handle.ok()) return handle.error();
  const Position position(handle.value());
  OVERLAPPED place = At(offset);
  DWORD written = 0;
  if (WriteFile(handle.value(), source, static_cast<DWORD>(std::min<uint64_t>(count, kMostAtOnce)), &written, &place) ==
      0) {
    return TransferError("WriteFile");
  }
  return static_cast<size_t>(written);
}

}  // namespace zerocopy::os
