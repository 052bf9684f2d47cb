// Files to test with, and what the kernel itself says is mapped and open.
#ifndef ZEROCOPY_TEST_NATIVE_FIXTURE_H_
#define ZEROCOPY_TEST_NATIVE_FIXTURE_H_

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace fixture {

// The byte at `offset` of every file made here: it tells where it stands.
constexpr uint8_t PatternAt(uint64_t offset) { return static_cast<uint8_t>(offset * 31 + (offset >> 8) * 7); }

// A file of `length` pattern bytes, open for reading and writing, gone at the end.
class PatternFile {
 public:
  explicit PatternFile(uint64_t length) {
    const char* folder = std::getenv("TMPDIR");  // NOLINT(concurrency-mt-unsafe): nobody sets it
    path_ = std::string(folder == nullptr ? "/tmp" : folder) + "/zerocopy-native-XXXXXX";
    fd_ = mkstemp(path_.data());
    std::string bytes(length, '\0');
    for (uint64_t i = 0; i < length; i++) bytes[i] = static_cast<char>(PatternAt(i));
    if (fd_ < 0 || write(fd_, bytes.data(), length) != static_cast<ssize_t>(length)) std::abort();
  }
  PatternFile(const PatternFile&) = delete;
  PatternFile& operator=(const PatternFile&) = delete;
  ~PatternFile() {
    (void)close(fd_);
    (void)unlink(path_.c_str());
  }

  int fd() const { return fd_; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  int fd_ = -1;
};

// How many lines of /proc/self/maps name `path`.
inline int MapsOf(const std::string& path) {
  std::FILE* maps = std::fopen("/proc/self/maps", "r");
  if (maps == nullptr) std::abort();
  char line[4096];
  int count = 0;
  while (std::fgets(line, sizeof(line), maps) != nullptr) count += std::strstr(line, path.c_str()) != nullptr ? 1 : 0;
  (void)std::fclose(maps);
  return count;
}

inline bool IsOpen(int fd) { return fcntl(fd, F_GETFD) >= 0; }

// The number the next descriptor will get: the same before and after when nothing was left open.
inline int NextDescriptor() {
  const int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
  (void)close(fd);
  return fd;
}

}  // namespace fixture

#endif  // ZEROCOPY_TEST_NATIVE_FIXTURE_H_
