// Which pages are in memory, by what the kernel itself says of this process.
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <vector>

#include "check.h"
#include "fixture.h"
#include "os/file.h"
#include "os/memory_map.h"
#include "region/region.h"

namespace {

using zerocopy::os::Access;
using zerocopy::region::Region;

constexpr uint64_t kPage = 4096;

// VmLck in /proc/self/status, bytes.
uint64_t LockedBytes() {
  std::FILE* status = std::fopen("/proc/self/status", "r");
  if (status == nullptr) std::abort();
  char line[256];
  uint64_t kib = 0;
  while (std::fgets(line, sizeof(line), status) != nullptr) {
    if (std::strncmp(line, "VmLck:", 6) == 0) kib = std::strtoull(line + 6, nullptr, 10);
  }
  (void)std::fclose(status);
  return kib * 1024;
}

std::shared_ptr<Region> MapMemory(uint64_t length) {
  const auto file = zerocopy::os::CreateMemoryFile("paging", length, true);
  CHECK(file.ok());
  auto region = Region::MapFile(file.value().get(), {0, length}, Access::kWrite);
  CHECK(region.ok());
  return region.value();
}

TEST(ResidencyIsAByteForEachPageAroundTheRange) {
  const auto region = MapMemory(8 * kPage);
  region->data()[2 * kPage] = 1;
  std::vector<uint8_t> map(4, 9);
  CHECK(region->Residency({kPage + 1, 3 * kPage - 2}, map.data(), 3).ok());
  CHECK(map[0] == 0 && map[1] == 1 && map[2] == 0 && map[3] == 9);
  CHECK(region->Residency({0, 8 * kPage}, map.data(), 4).error().number == EINVAL);
  CHECK(region->Residency({0, 8 * kPage + 1}, map.data(), 9).error().number == EINVAL);
  CHECK(region->Residency({UINT64_MAX, 2}, map.data(), 4).error().number == EINVAL);
  CHECK(region->Residency({5, 0}, nullptr, 0).ok());
}

TEST(LockBringsPagesInAndUnlockLetsThemGo) {
  const auto region = MapMemory(8 * kPage);
  const uint64_t before = LockedBytes();
  CHECK(region->Lock({2 * kPage + 1, kPage}).ok());
  CHECK(LockedBytes() - before == 2 * kPage);
  uint8_t map[8] = {};
  CHECK(region->Residency({0, 8 * kPage}, map, 8).ok());
  CHECK(map[1] == 0 && map[2] == 1 && map[3] == 1 && map[4] == 0);
  CHECK(region->Unlock({0, 8 * kPage}).ok());
  CHECK(LockedBytes() == before);
  CHECK(region->Lock({8 * kPage, 1}).error().number == EINVAL);
  CHECK(region->Unlock({0, 9 * kPage}).error().number == EINVAL);
}

TEST(LockOfWhatCannotBeReadLocksNothing) {
  const fixture::PatternFile file(4 * kPage);
  auto region = Region::MapFile(file.fd(), {0, 4 * kPage}, Access::kRead);
  CHECK(region.ok() && ftruncate(file.fd(), kPage) == 0);
  const uint64_t before = LockedBytes();
  CHECK(region.value()->Lock({0, 4 * kPage}).error().number == EFAULT);
  CHECK(LockedBytes() == before);
}

TEST(ClosedRegionHasNoPages) {
  const auto region = MapMemory(kPage);
  (void)region->Close();
  uint8_t map[1] = {};
  CHECK(region->Residency({0, kPage}, map, 1).error().number == EINVAL);
  CHECK(region->Lock({0, kPage}).error().number == EINVAL);
  CHECK(region->Unlock({0, kPage}).error().number == EINVAL);
}

TEST(DropFromCacheSaysWhatIsNoFile) { CHECK(zerocopy::os::DropFromCache(-1).error().number == EBADF); }

}  // namespace
