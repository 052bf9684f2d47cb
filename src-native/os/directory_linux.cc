#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <iterator>

#include "os/directory.h"

namespace zerocopy::os {
namespace {

#ifdef RESOLVE_CACHED
constexpr uint64_t kResolveCached = RESOLVE_CACHED;
#else
constexpr uint64_t kResolveCached = 0x20;  // where the headers are older than the kernel
#endif

// The kernel gives up (EAGAIN) when something was renamed while it went through "..".
constexpr int kAttempts = 32;

uint64_t ResolveFlags(Symlinks symlinks) {
  switch (symlinks) {
    case Symlinks::kFollow:
      return 0;
    case Symlinks::kDeny:
      return RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS;
    default:
      return RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  }
}

// That open a file whose name is cached without asking a server or another process.
constexpr uint32_t kLocalFileSystems[] = {
    EXT4_SUPER_MAGIC, BTRFS_SUPER_MAGIC,     TMPFS_MAGIC, RAMFS_MAGIC,
    F2FS_SUPER_MAGIC, OVERLAYFS_SUPER_MAGIC, 0x58465342,  // XFS
    0x2fc12fc1,                                           // ZFS
};

bool IsLocal(int fd) {
  struct statfs about = {};
  if (fstatfs(fd, &about) != 0) return false;
  const auto type = static_cast<uint32_t>(about.f_type);
  return std::find(std::begin(kLocalFileSystems), std::end(kLocalFileSystems), type) != std::end(kLocalFileSystems);
}

bool IsRegular(int fd) {
  struct stat about = {};
  return fstat(fd, &about) == 0 && S_ISREG(about.st_mode);
}

}  // namespace

Result<Descriptor> OpenBeneath(int root, const char* path, Symlinks symlinks, Lookup lookup) {
  const bool cached_only = lookup == Lookup::kCachedOnly;
  open_how how = {};
  how.flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  how.resolve = ResolveFlags(symlinks) | (cached_only ? kResolveCached : 0);
  for (int attempt = 1;; attempt++) {
    const long opened = syscall(SYS_openat2, root, path, &how, sizeof how);
    const int number = errno;
    if (opened >= 0) return Descriptor(static_cast<int>(opened));
    if (cached_only && number == EINVAL) return OsError{EAGAIN, "openat2"};  // a kernel older than the flag
    const bool again = number == EINTR || (number == EAGAIN && !cached_only && attempt < kAttempts);
    if (!again) return OsError{number, "openat2"};
  }
}

bool IsFileAtHand(const char* path) {
  open_how how = {};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = kResolveCached;
  const long opened = syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);
  if (opened < 0) return false;
  const Descriptor file(static_cast<int>(opened));
  return IsRegular(file.get()) && IsLocal(file.get());
}

Result<FileFacts> Describe(int descriptor) {
  struct stat about = {};
  const int result = fstat(descriptor, &about);
  const int number = errno;
  if (result != 0) return OsError{number, "fstat"};
  FileFacts facts;
  facts.size = static_cast<uint64_t>(about.st_size);
  facts.modified_seconds = about.st_mtim.tv_sec;
  facts.modified_nanoseconds = static_cast<uint32_t>(about.st_mtim.tv_nsec);
  facts.changed_seconds = about.st_ctim.tv_sec;
  facts.changed_nanoseconds = static_cast<uint32_t>(about.st_ctim.tv_nsec);
  facts.device = about.st_dev;
  facts.inode = about.st_ino;
  facts.mode = about.st_mode;
  return facts;
}

}  // namespace zerocopy::os
