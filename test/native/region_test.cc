// The state machine of region.h: every way to the end of a Region, the counters and the kernel's own list of
// mappings as witnesses.
#include "region/region.h"

#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>

#include <atomic>
#include <vector>

#include "check.h"
#include "counters.h"
#include "fixture.h"
#include "os/page.h"

namespace {

using zerocopy::counters;
using zerocopy::os::Access;
using zerocopy::os::Advice;
using zerocopy::os::ByteRange;
using zerocopy::region::Holder;
using zerocopy::region::Region;
using zerocopy::region::State;

constexpr uint64_t kPage = 4096;
constexpr uint64_t kFileLength = 3 * kPage + 123;

std::shared_ptr<Region> Map(const fixture::PatternFile& file, ByteRange range = {0, kFileLength},
                            Access access = Access::kRead, bool keep_descriptor = false) {
  auto result = Region::MapFile(file.fd(), range, access, {keep_descriptor});
  CHECK(result.ok());
  return result.ok() ? std::move(result.value()) : nullptr;
}

// Regions and bytes mapped since this was made.
class Balance {
 public:
  int64_t regions() const { return Now() - before_; }
  int64_t bytes() const { return counters.bytes_mapped - bytes_before_; }

 private:
  static int64_t Now() { return counters.regions_mapped - counters.regions_unmapped; }
  int64_t before_ = Now();
  int64_t bytes_before_ = counters.bytes_mapped;
};

TEST(RegionClosesAtOnceWithoutHolds) {
  const fixture::PatternFile file(kFileLength);
  const Balance balance;
  const auto region = Map(file);
  CHECK(region->state() == State::kOpen);
  CHECK(balance.regions() == 1 && balance.bytes() == static_cast<int64_t>(kFileLength));
  CHECK(fixture::MapsOf(file.path()) == 1);
  CHECK(region->Close() == State::kClosed);
  CHECK(region->state() == State::kClosed);
  CHECK(balance.regions() == 0 && balance.bytes() == 0);
  CHECK(fixture::MapsOf(file.path()) == 0);
}

TEST(RegionIsClosingWhileHeld) {
  const fixture::PatternFile file(kFileLength);
  const Balance balance;
  const auto region = Map(file);
  CHECK(region->Hold() && region->Hold());
  CHECK(region->holds(Holder::kWork) == 2);
  CHECK(region->Close() == State::kClosing);
  CHECK(region->Close() == State::kClosing);
  CHECK(!region->Hold());
  CHECK(region->holds(Holder::kWork) == 2);
  region->Release();
  CHECK(region->state() == State::kClosing);
  CHECK(fixture::MapsOf(file.path()) == 1);
  CHECK(region->data()[kPage + 5] == fixture::PatternAt(kPage + 5));
  region->Release();
  CHECK(region->state() == State::kClosed);
  CHECK(fixture::MapsOf(file.path()) == 0 && balance.regions() == 0);
}

TEST(RegionCanBeHeldAndReleasedAnyNumberOfTimesWhileOpen) {
  const fixture::PatternFile file(kFileLength);
  const auto region = Map(file);
  for (int i = 0; i < 1000; i++) {
    CHECK(region->Hold());
    region->Release();
  }
  CHECK(region->state() == State::kOpen && region->holds(Holder::kWork) == 0);
  CHECK(fixture::MapsOf(file.path()) == 1);
}

TEST(RegionCloseTwiceIsQuietAndHoldThenFails) {
  const fixture::PatternFile file(kFileLength);
  const Balance balance;
  const auto region = Map(file);
  CHECK(region->Close() == State::kClosed);
  CHECK(region->Close() == State::kClosed);
  CHECK(!region->Hold());
  CHECK(region->holds(Holder::kWork) == 0 && balance.regions() == 0);
}

TEST(RegionWithoutReferencesIsUnmapped) {
  const fixture::PatternFile file(kFileLength);
  const Balance balance;
  auto region = Map(file);
  auto second = region;
  region.reset();
  CHECK(fixture::MapsOf(file.path()) == 1 && balance.regions() == 1);
  second.reset();
  CHECK(fixture::MapsOf(file.path()) == 0 && balance.regions() == 0);
}

// What stands at the same address afterwards is somebody else's: a second munmap would take it away.
TEST(RegionUnmapsExactlyOnce) {
  const fixture::PatternFile file(kFileLength);
  const fixture::PatternFile other(kFileLength);
  const Balance balance;
  auto region = Map(file);
  void* address = region->data();
  CHECK(region->Close() == State::kClosed);
  void* again = mmap(address, kFileLength, PROT_READ, MAP_PRIVATE | MAP_FIXED_NOREPLACE, other.fd(), 0);
  CHECK(again == address);
  CHECK(region->Close() == State::kClosed);
  region.reset();
  CHECK(fixture::MapsOf(other.path()) == 1);
  CHECK(balance.regions() == 0 && balance.bytes() == 0);
  CHECK(munmap(again, kFileLength) == 0);
}

TEST(RegionOfNothingIsARegionAllTheSame) {
  const fixture::PatternFile file(kFileLength);
  const Balance balance;
  for (const uint64_t offset : {uint64_t{0}, uint64_t{1}, kPage, kFileLength}) {
    const auto region = Map(file, {offset, 0}, Access::kWrite, true);
    CHECK(region->data() == nullptr && region->length() == 0);
    CHECK(region->Hold());
    CHECK(region->Flush({0, 0}).ok());
    CHECK(region->Advise({0, 0}, Advice::kWillNeed).ok());
    CHECK(region->Close() == State::kClosing);
    region->Release();
    CHECK(region->state() == State::kClosed);
  }
  CHECK(fixture::MapsOf(file.path()) == 0 && balance.regions() == 0);
}

TEST(RegionMapsAnyOffsetAndLength) {
  const fixture::PatternFile file(kFileLength);
  for (const uint64_t offset : {uint64_t{0}, uint64_t{1}, kPage - 1, kPage, kPage + 1, kFileLength - 1}) {
    for (const uint64_t length : {uint64_t{1}, uint64_t{123}, kPage, kFileLength - offset}) {
      if (length > kFileLength - offset) continue;
      const auto region = Map(file, {offset, length});
      CHECK(region->length() == length);
      CHECK(region->data()[0] == fixture::PatternAt(offset));
      CHECK(region->data()[length - 1] == fixture::PatternAt(offset + length - 1));
      CHECK(region->Flush({0, length}).ok());
      CHECK(region->Advise({length - 1, 1}, Advice::kWillNeed).ok());
    }
  }
  CHECK(fixture::MapsOf(file.path()) == 0);
}

TEST(RegionRefusesRangesThatDoNotFit) {
  const fixture::PatternFile file(kFileLength);
  const auto region = Map(file, {100, 5000});
  const ByteRange bad[] = {{0, 5001}, {5000, 1}, {5001, 0}, {1, UINT64_MAX}, {UINT64_MAX, 1}, {UINT64_MAX, UINT64_MAX}};
  for (const ByteRange range : bad) {
    const auto flushed = region->Flush(range);
    const auto advised = region->Advise(range, Advice::kDontNeed);
    CHECK(flushed.error().number == EINVAL && std::strcmp(flushed.error().syscall, "msync") == 0);
    CHECK(advised.error().number == EINVAL && std::strcmp(advised.error().syscall, "madvise") == 0);
  }
  CHECK(region->Flush({5000, 0}).ok());
  CHECK(region->Flush({4999, 1}).ok());
}

TEST(RegionRefusesLengthsNoFileHas) {
  const fixture::PatternFile file(kFileLength);
  const Balance balance;
  for (const ByteRange range :
       {ByteRange{0, UINT64_MAX}, ByteRange{UINT64_MAX, 1}, ByteRange{1, zerocopy::os::kMaxLength}}) {
    const auto result = Region::MapFile(file.fd(), range, Access::kRead, {true});
    CHECK(!result.ok() && result.error().number == EOVERFLOW);
  }
  CHECK(balance.regions() == 0);
}

TEST(RegionWritesReachTheFileOnlyWhereTheyShould) {
  const fixture::PatternFile file(kFileLength);
  for (const Access access : {Access::kRead, Access::kCopy, Access::kWrite}) {
    const auto region = Map(file, {kPage + 1, 10}, access);
    region->data()[0] = 200;
    CHECK(region->Flush({0, 10}).ok());
    uint8_t byte = 0;
    CHECK(pread(file.fd(), &byte, 1, kPage + 1) == 1);
    CHECK(byte == (access == Access::kWrite ? 200 : fixture::PatternAt(kPage + 1)));
  }
}

TEST(RegionDescriptorIsItsOwnAndClosedWithIt) {
  const fixture::PatternFile file(kFileLength);
  const auto region = Map(file, {0, kFileLength}, Access::kWrite, true);
  const int fd = region->descriptor();
  CHECK(fd >= 0 && fd != file.fd() && fixture::IsOpen(fd));
  CHECK(region->Hold());
  (void)region->Close();
  CHECK(fixture::IsOpen(fd));
  region->Release();
  CHECK(!fixture::IsOpen(fd) && region->descriptor() == -1);
  CHECK(fixture::IsOpen(file.fd()));
  CHECK(Map(file)->descriptor() == -1);
}

void CheckFailure(int descriptor, Access access, bool keep_descriptor, int number, const char* syscall) {
  const Balance balance;
  const int next = fixture::NextDescriptor();
  const auto result = Region::MapFile(descriptor, {0, kPage}, access, {keep_descriptor});
  CHECK(!result.ok());
  CHECK(result.error().number == number);
  CHECK(std::strcmp(result.error().syscall, syscall) == 0);
  CHECK(balance.regions() == 0 && balance.bytes() == 0);
  CHECK(fixture::NextDescriptor() == next);
}

TEST(RegionFailuresSayWhyAndLeaveNothingBehind) {
  const fixture::PatternFile file(kFileLength);
  const int read_only = open(file.path().c_str(), O_RDONLY | O_CLOEXEC);
  const int folder = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  for (const bool keep : {false, true}) {
    CheckFailure(-1, Access::kRead, keep, EBADF, keep ? "fcntl" : "mmap");
    CheckFailure(1 << 30, Access::kRead, keep, EBADF, keep ? "fcntl" : "mmap");
    CheckFailure(folder, Access::kRead, keep, ENODEV, "mmap");
    CheckFailure(read_only, Access::kWrite, keep, EACCES, "mmap");
  }
  (void)close(folder);
  (void)close(read_only);
}

// Threads hold, read, release and now and then close one Region; one after the other many times.
constexpr int kThreads = 8;
constexpr int kRounds = 200;
constexpr int kHoldsPerThread = 50;

struct Shared {
  std::shared_ptr<Region> region;
  std::atomic<int> wrong{0};
  std::atomic<int> refused{0};
  pthread_barrier_t start{};  // so that they run at the same time, however quick each is
};

struct Task {
  Shared* shared;
  std::shared_ptr<Region> region;  // each thread's own reference, dropped by it
  int number;
};

void* HoldReadRelease(void* argument) {
  auto* task = static_cast<Task*>(argument);
  (void)pthread_barrier_wait(&task->shared->start);
  for (int i = 0; i < kHoldsPerThread; i++) {
    if (!task->region->Hold()) {
      task->shared->refused++;
      continue;
    }
    const uint64_t at = static_cast<uint64_t>(task->number) * kPage / kThreads + static_cast<uint64_t>(i);
    if (task->region->data()[at] != fixture::PatternAt(at)) task->shared->wrong++;
    if (task->region->state() == State::kClosed) task->shared->wrong++;
    task->region->Release();
    if (i == task->number * 6) (void)task->region->Close();
  }
  task->region.reset();
  return nullptr;
}

TEST(RegionEndsOnceWhateverTheThreadsDo) {
  const fixture::PatternFile file(kFileLength);
  const Balance balance;
  Shared shared;
  CHECK(pthread_barrier_init(&shared.start, nullptr, kThreads) == 0);
  for (int round = 0; round < kRounds; round++) {
    auto region = Map(file, {0, kFileLength}, Access::kRead, true);
    std::vector<Task> tasks;
    tasks.reserve(kThreads);
    for (int i = 0; i < kThreads; i++) tasks.push_back({&shared, region, i});
    region.reset();
    std::vector<pthread_t> threads(kThreads);
    for (int i = 0; i < kThreads; i++) {
      CHECK(pthread_create(&threads[i], nullptr, HoldReadRelease, &tasks[i]) == 0);
    }
    for (const pthread_t thread : threads) (void)pthread_join(thread, nullptr);
    CHECK(balance.regions() == 0 && balance.bytes() == 0);
  }
  (void)pthread_barrier_destroy(&shared.start);
  CHECK(shared.wrong == 0);
  CHECK(shared.refused > 0);  // closing did come in between
  CHECK(fixture::MapsOf(file.path()) == 0);
}

}  // namespace
