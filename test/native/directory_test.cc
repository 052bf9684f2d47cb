// Files below a root: what the kernel refuses, and what fstat says.
#include "os/directory.h"

#include <errno.h>
#include <sys/stat.h>
#include <time.h>

#include <cstring>
#include <string>

#include "check.h"
#include "fixture.h"
#include "os/descriptor.h"

namespace {

using namespace zerocopy::os;  // NOLINT(google-build-using-namespace): the subject of every test here

// root/file, root/in -> file, root/out -> /etc/passwd, root/up -> ..
class Tree {
 public:
  Tree() {
    path_ = "/tmp/zerocopy-native-tree-XXXXXX";
    if (mkdtemp(path_.data()) == nullptr) std::abort();
    root_ = Descriptor(open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (root_.get() < 0) std::abort();
    const Descriptor file(openat(root_.get(), "file", O_CREAT | O_WRONLY | O_CLOEXEC, S_IRUSR | S_IWUSR));
    if (write(file.get(), "12345", 5) != 5) std::abort();
    Link("file", "in");
    Link("/etc/passwd", "out");
    Link("..", "up");
    CHECK(mkfifoat(root_.get(), "fifo", S_IRUSR | S_IWUSR) == 0);
  }
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;
  ~Tree() {
    for (const char* name : {"file", "in", "out", "up", "fifo"}) (void)unlinkat(root_.get(), name, 0);
    (void)rmdir(path_.c_str());
  }

  int root() const { return root_.get(); }
  std::string PathOf(const char* name) const { return path_ + "/" + name; }

 private:
  // The first use of a link notes its time on the disk (relatime, mount(8)), for which the cache alone does not do; a
  // time in the future need not be noted.
  void Link(const char* target, const char* name) {
    CHECK(symlinkat(target, root_.get(), name) == 0);
    const timespec times[] = {{time(nullptr) + 3600, 0}, {0, 0}};
    CHECK(utimensat(root_.get(), name, times, AT_SYMLINK_NOFOLLOW) == 0);
  }

  std::string path_;
  Descriptor root_;
};

// 0 when it was opened.
int ErrorOf(const Tree& tree, const char* path, Symlinks symlinks, Lookup lookup = Lookup::kOnDisk) {
  const auto opened = OpenBeneath(tree.root(), path, symlinks, lookup);
  if (!opened.ok()) {
    CHECK(std::strcmp(opened.error().syscall, "openat2") == 0);
    return opened.error().number;
  }
  CHECK((fcntl(opened.value().get(), F_GETFD) & FD_CLOEXEC) != 0);
  return 0;
}

TEST(AFileAtHandIsRegularAndCached) {
  const Tree tree;
  CHECK(IsFileAtHand(tree.PathOf("file").c_str()));
  CHECK(IsFileAtHand(tree.PathOf("in").c_str()));
  for (const char* name : {"fifo", "up", "none", "file/"}) CHECK(!IsFileAtHand(tree.PathOf(name).c_str()));
  for (const char* path : {"/dev/null", "/proc/self/stat", ""}) CHECK(!IsFileAtHand(path));
}

TEST(OpenBeneathStaysBeneath) {
  const Tree tree;
  for (const Lookup lookup : {Lookup::kOnDisk, Lookup::kCachedOnly}) {
    CHECK(ErrorOf(tree, "file", Symlinks::kWithin, lookup) == 0);
    CHECK(ErrorOf(tree, "in", Symlinks::kWithin, lookup) == 0);
    CHECK(ErrorOf(tree, "in", Symlinks::kDeny, lookup) == ELOOP);
    CHECK(ErrorOf(tree, "out", Symlinks::kWithin, lookup) == EXDEV);
  }
  CHECK(ErrorOf(tree, "out", Symlinks::kFollow) == 0);
  CHECK(ErrorOf(tree, "up", Symlinks::kWithin) == EXDEV);
  CHECK(ErrorOf(tree, "..", Symlinks::kWithin) == EXDEV);
  CHECK(ErrorOf(tree, "/etc/passwd", Symlinks::kWithin) == EXDEV);
  CHECK(ErrorOf(tree, "/etc/passwd", Symlinks::kDeny) == EXDEV);
  CHECK(ErrorOf(tree, "missing", Symlinks::kWithin) == ENOENT);
  CHECK(ErrorOf(tree, "file/x", Symlinks::kWithin) == ENOTDIR);
}

TEST(OpenBeneathDoesNotWaitForAWriter) {
  const Tree tree;
  CHECK(ErrorOf(tree, "fifo", Symlinks::kWithin) == 0);
}

TEST(DescribeSaysWhatFstatSays) {
  const Tree tree;
  const auto file = OpenBeneath(tree.root(), "file", Symlinks::kWithin, Lookup::kOnDisk);
  CHECK(file.ok());
  const auto facts = Describe(file.value().get());
  struct stat about = {};
  CHECK(fstat(file.value().get(), &about) == 0 && facts.ok());
  CHECK(facts.value().size == 5 && S_ISREG(facts.value().mode));
  CHECK(facts.value().inode == about.st_ino && facts.value().device == about.st_dev);
  CHECK(facts.value().modified_seconds == about.st_mtim.tv_sec);
  CHECK(facts.value().modified_nanoseconds == about.st_mtim.tv_nsec);
  CHECK(facts.value().changed_nanoseconds == about.st_ctim.tv_nsec);
  const auto none = Describe(1 << 30);
  CHECK(!none.ok() && none.error().number == EBADF && std::strcmp(none.error().syscall, "fstat") == 0);
}

}  // namespace
