// The functions of os/, each alone: what it answers, and the errno and name of the call when it fails.
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <atomic>
#include <initializer_list>
#include <utility>

#include "check.h"
#include "fixture.h"
#include "os/byte_range.h"
#include "os/descriptor.h"
#include "os/descriptor_set.h"
#include "os/file.h"
#include "os/memory_map.h"
#include "os/output.h"
#include "os/page.h"
#include "os/poller.h"
#include "os/send_file.h"
#include "os/thread.h"

namespace {

using namespace zerocopy::os;  // NOLINT(google-build-using-namespace): the subject of every test here

constexpr uint64_t kPage = 4096;
constexpr uint64_t kMax = UINT64_MAX;
constexpr int kNoDescriptor = 1 << 30;

template <typename T>
bool FailedWith(const Result<T>& result, int number, const char* syscall) {
  return !result.ok() && result.error().number == number && std::strcmp(result.error().syscall, syscall) == 0;
}

TEST(FitsIsExactUpToTheLastNumber) {
  CHECK(Fits({0, 0}, 0) && Fits({10, 0}, 10) && Fits({0, 10}, 10) && Fits({3, 7}, 10));
  CHECK(!Fits({0, 1}, 0) && !Fits({11, 0}, 10) && !Fits({3, 8}, 10) && !Fits({10, 1}, 10));
  CHECK(End({3, 7}) == 10 && End({kMax, 0}) == kMax);
  CHECK(Fits({kMax, 0}, kMax) && Fits({0, kMax}, kMax) && Fits({kMax - 1, 1}, kMax));
  // The sums of these wrap to something small.
  CHECK(!Fits({kMax, 1}, kMax) && !Fits({1, kMax}, kMax) && !Fits({kMax, kMax}, kMax));
  CHECK(!Fits({2, kMax - 1}, 10) && !Fits({kMax - 1, 2}, 10) && !Fits({kMax / 2 + 1, kMax / 2 + 1}, 10));
}

void CheckSpan(ByteRange range, ByteRange aligned, uint64_t lead) {
  const PageSpan span = PagesAround(range, kPage);
  CHECK(span.aligned.offset == aligned.offset);
  CHECK(span.aligned.length == aligned.length);
  CHECK(span.lead == lead);
}

TEST(PagesAroundIsTheSmallestSpanOfWholePages) {
  CheckSpan({0, 0}, {0, 0}, 0);
  CheckSpan({0, 1}, {0, kPage}, 0);
  CheckSpan({0, kPage}, {0, kPage}, 0);
  CheckSpan({0, kPage + 1}, {0, 2 * kPage}, 0);
  CheckSpan({1, 1}, {0, kPage}, 1);
  CheckSpan({kPage - 1, 1}, {0, kPage}, kPage - 1);
  CheckSpan({kPage - 1, 2}, {0, 2 * kPage}, kPage - 1);
  CheckSpan({kPage, 1}, {kPage, kPage}, 0);
  CheckSpan({kPage + 5, kPage}, {kPage, 2 * kPage}, 5);
  const uint64_t last = kMaxLength - kPage + 1;
  CheckSpan({kMaxLength - 1, 1}, {last, kPage}, kPage - 2);
  CheckSpan({0, kMaxLength}, {0, kMaxLength + 1}, 0);
}

// As on Windows: where a mapping begins is coarser than what it is counted in.
TEST(PagesAroundBeginsAtTheGranularityAndEndsWithAPage) {
  constexpr uint64_t kGranularity = 65536;
  const PageSpan within = PagesAround({kGranularity + kPage + 7, 1}, kGranularity, kPage);
  CHECK(within.aligned.offset == kGranularity && within.aligned.length == 2 * kPage && within.lead == kPage + 7);
  const PageSpan across = PagesAround({kGranularity - 1, kPage + 1}, kGranularity, kPage);
  CHECK(across.aligned.offset == 0 && across.aligned.length == kGranularity + kPage && across.lead == kGranularity - 1);
}

TEST(PagesAndGranularityArePowersOfTwo) {
  CHECK(PageSize() == kPage && MapGranularity() % PageSize() == 0);
  const uint64_t granularity = MapGranularity();
  CHECK((granularity & (granularity - 1)) == 0);
}

TEST(DescriptorsAreDuplicatedAndClosedOnce) {
  const fixture::PatternFile file(10);
  auto copy = Duplicate(file.fd());
  CHECK(copy.ok() && copy.value().get() != file.fd());
  const int number = copy.value().Release();
  CHECK((fcntl(number, F_GETFD) & FD_CLOEXEC) != 0);
  CHECK(Close(number).ok() && !fixture::IsOpen(number));
  CHECK(FailedWith(Close(number), EBADF, "close"));
  CHECK(FailedWith(Duplicate(kNoDescriptor), EBADF, "fcntl"));
}

TEST(DescriptorHasOneOwner) {
  const fixture::PatternFile file(10);
  int number = -1;
  {
    auto first = Duplicate(file.fd());
    CHECK(first.ok());
    Descriptor second = std::move(first.value());
    number = second.get();
    CHECK(first.value().get() == -1);  // NOLINT(bugprone-use-after-move): that it is empty is the point
    Descriptor third;
    third = std::move(second);
    CHECK(third.get() == number && fixture::IsOpen(number));
  }
  CHECK(!fixture::IsOpen(number));
  CHECK(fixture::IsOpen(file.fd()));
  CHECK(FailedWith(Duplicate(kNoDescriptor), EBADF, "fcntl"));
}

TEST(ADescriptorSetClosesWhatIsLeftInItAndNothingElse) {
  const fixture::PatternFile file(10);
  int kept = -1;
  int closed = -1;
  {
    DescriptorSet set;
    kept = set.Add(std::move(Duplicate(file.fd()).value()));
    closed = set.Add(std::move(Duplicate(file.fd()).value()));
    CHECK(kept != closed && fixture::IsOpen(kept) && fixture::IsOpen(closed));
    CHECK(set.Close(closed).ok() && !fixture::IsOpen(closed) && fixture::IsOpen(kept));
    CHECK(FailedWith(set.Close(closed), EBADF, "close"));
    CHECK(FailedWith(set.Close(file.fd()), EBADF, "close") && fixture::IsOpen(file.fd()));
    CHECK(FailedWith(set.Close(-1), EBADF, "close") && FailedWith(set.Close(kNoDescriptor), EBADF, "close"));
  }
  CHECK(!fixture::IsOpen(kept) && fixture::IsOpen(file.fd()));
}

TEST(SizeOfIsTheLengthOfTheFile) {
  const fixture::PatternFile file(12345);
  const auto size = SizeOf(file.fd());
  CHECK(size.ok() && size.value() == 12345);
  CHECK(FailedWith(SizeOf(kNoDescriptor), EBADF, "fstat"));
}

TEST(MemoryFilesAreZerosAndSealedOnesCannotShrink) {
  for (const bool sealed : {false, true}) {
    const auto result = CreateMemoryFile("native test", 2 * kPage, sealed);
    CHECK(result.ok());
    const Descriptor& file = result.value();
    CHECK(SizeOf(file.get()).value() == 2 * kPage);
    const bool shrunk = ftruncate(file.get(), 1) == 0;
    CHECK(shrunk == !sealed);
    CHECK(ftruncate(file.get(), 4 * kPage) == 0);
  }
  const int next = fixture::NextDescriptor();
  CHECK(FailedWith(CreateMemoryFile("too long", uint64_t{1} << 63, true), EINVAL, "ftruncate"));
  CHECK(fixture::NextDescriptor() == next);
  CHECK(FailedWith(CreateMemoryFile(std::string(300, 'x').c_str(), 0, false), EINVAL, "memfd_create"));
}

TEST(AllocateGrowsAndNeverShortens) {
  const fixture::PatternFile file(100);
  CHECK(Allocate(file.fd(), {0, 50000}).ok());
  CHECK(SizeOf(file.fd()).value() == 50000);
  struct stat facts = {};
  CHECK(fstat(file.fd(), &facts) == 0 && facts.st_blocks * 512 >= 50000);
  CHECK(Allocate(file.fd(), {0, 10}).ok() && Allocate(file.fd(), {0, 0}).ok());
  CHECK(SizeOf(file.fd()).value() == 50000);
  uint8_t byte = 0;
  CHECK(pread(file.fd(), &byte, 1, 99) == 1 && byte == fixture::PatternAt(99));
  CHECK(FailedWith(Allocate(kNoDescriptor, {0, 10}), EBADF, "fstat"));
  CHECK(!Allocate(file.fd(), {0, uint64_t{1} << 60}).ok());
  CHECK(SizeOf(file.fd()).value() == 50000);
}

TEST(MappingFlushingAndAdvisingAnswerErrno) {
  const fixture::PatternFile file(3 * kPage);
  const auto mapped = MapFile(file.fd(), {kPage, 2 * kPage}, Access::kWrite);
  CHECK(mapped.ok());
  auto* bytes = static_cast<uint8_t*>(mapped.value());
  CHECK(bytes[0] == fixture::PatternAt(kPage) && bytes[2 * kPage - 1] == fixture::PatternAt(3 * kPage - 1));
  CHECK(Flush(bytes, 2 * kPage, -1).ok());
  CHECK(FailedWith(Flush(bytes + 1, kPage, -1), EINVAL, "msync"));
  for (const Advice advice : {Advice::kNormal, Advice::kSequential, Advice::kRandom, Advice::kWillNeed}) {
    CHECK(Advise(bytes, 2 * kPage, advice).ok());
  }
  CHECK(FailedWith(Advise(bytes + 1, kPage, Advice::kNormal), EINVAL, "madvise"));
  CHECK(FailedWith(Advise(bytes, kPage, Advice::kFree), EINVAL, "madvise"));  // anonymous memory only
  CHECK(FailedWith(Unmap(bytes + 1, kPage), EINVAL, "munmap"));
  CHECK(Unmap(bytes, 2 * kPage).ok());
  CHECK(FailedWith(Flush(bytes, kPage, -1), ENOMEM, "msync"));
  CHECK(FailedWith(MapFile(file.fd(), {1, kPage}, Access::kRead), EINVAL, "mmap"));
  CHECK(FailedWith(MapFile(kNoDescriptor, {0, kPage}, Access::kRead), EBADF, "mmap"));
}

struct SocketPair {
  SocketPair() { CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0); }
  ~SocketPair() {
    for (const int end : ends) (void)close(end);
  }
  int ends[2] = {-1, -1};
};

TEST(SendFileSendsFromAnOffsetOrThePosition) {
  const fixture::PatternFile file(1000);
  const SocketPair pair;
  uint64_t offset = 990;
  const auto sent = SendFile(pair.ends[0], file.fd(), &offset, 500);
  CHECK(sent.ok() && sent.value() == 10 && offset == 990);
  CHECK(lseek(file.fd(), 3, SEEK_SET) == 3);
  CHECK(SendFile(pair.ends[0], file.fd(), nullptr, 4).value() == 4);
  CHECK(lseek(file.fd(), 0, SEEK_CUR) == 7);
  uint8_t got[20] = {};
  CHECK(recv(pair.ends[1], got, sizeof(got), 0) == 14);
  CHECK(got[0] == fixture::PatternAt(990) && got[9] == fixture::PatternAt(999) && got[10] == fixture::PatternAt(3));
  offset = 1000;
  CHECK(SendFile(pair.ends[0], file.fd(), &offset, 10).value() == 0);
  CHECK(FailedWith(SendFile(pair.ends[0], kNoDescriptor, &offset, 10), EBADF, "sendfile"));
}

TEST(SendFileAnswersAFullAndABrokenOutput) {
  (void)signal(SIGPIPE, SIG_IGN);  // as in Node; the pump's threads block it
  const fixture::PatternFile file(1 << 20);
  int ends[2] = {-1, -1};
  CHECK(pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0);
  uint64_t offset = 0;
  auto sent = SendFile(ends[1], file.fd(), &offset, 1 << 20);
  CHECK(sent.ok() && sent.value() > 0 && sent.value() < (1 << 20));
  while (sent.ok()) sent = SendFile(ends[1], file.fd(), &offset, 1 << 20);
  CHECK(FailedWith(sent, EAGAIN, "sendfile"));
  (void)close(ends[0]);
  CHECK(FailedWith(SendFile(ends[1], file.fd(), &offset, 1), EPIPE, "sendfile"));
  (void)close(ends[1]);
}

TEST(IsCachedKnowsMemoryAndRefusesTheRest) {
  const Descriptor memory = std::move(CreateMemoryFile("cached", 10 * kPage, false).value());
  CHECK(IsCached(memory.get(), 0, 10 * kPage));
  CHECK(IsCached(memory.get(), 0, 0));
  CHECK(!IsCached(kNoDescriptor, 0, 1));
}

TEST(ReadingAndWritingAtAnOffsetNameTheCallThatWasMade) {
  const fixture::PatternFile file(100);
  const Descriptor memory = std::move(CreateMemoryFile("read at once", 100, false).value());
  uint8_t bytes[10] = {};
  CHECK(ReadAt(file.fd(), bytes, sizeof(bytes), 95).value() == 5 && bytes[4] == fixture::PatternAt(99));
  CHECK(WriteAt(memory.get(), bytes, 5, 95).value() == 5);
  uint8_t again[10] = {};
  CHECK(ReadCached(memory.get(), 95, again, sizeof(again)).value() == 5 && again[4] == bytes[4]);
  CHECK(FailedWith(ReadAt(kNoDescriptor, bytes, 1, 0), EBADF, "pread"));
  CHECK(FailedWith(WriteAt(kNoDescriptor, bytes, 1, 0), EBADF, "pwrite"));
  CHECK(FailedWith(ReadCached(kNoDescriptor, 0, bytes, 1), EBADF, "preadv2"));
  CHECK(FailedWith(ReadCached(memory.get(), 0, reinterpret_cast<void*>(8), 1), EFAULT, "pread"));
}

TEST(OutputsWriteWithoutWaitingOrSignals) {
  const SocketPair pair;
  auto output = OpenOutput(pair.ends[0]);
  CHECK(output.ok() && output.value().is_socket && !output.value().must_copy);
  CHECK(WriteSome(output.value(), "abc", 3).value() == 3);
  CHECK(FailedWith(WriteSome(output.value(), reinterpret_cast<const void*>(8), 3), EFAULT, "send"));
  char got[8] = {};
  CHECK(recv(pair.ends[1], got, sizeof(got), 0) == 3 && std::strcmp(got, "abc") == 0);
  (void)shutdown(pair.ends[1], SHUT_RDWR);
  CHECK(FailedWith(WriteSome(output.value(), "abc", 3), EPIPE, "send"));  // SIGPIPE would end this process
  CHECK(FailedWith(OpenOutput(kNoDescriptor), EBADF, "fstat"));
}

TEST(OutputsOfBlockingPipesDoNotBlockAndLeaveTheCallersModeAlone) {
  int ends[2] = {-1, -1};
  CHECK(pipe2(ends, O_CLOEXEC) == 0);
  {
    const auto output = OpenOutput(ends[1]);
    CHECK(output.ok() && !output.value().is_socket);
    const std::string block(1 << 16, 'x');
    auto written = WriteSome(output.value(), block.data(), block.size());
    CHECK(written.ok());
    while (written.ok()) written = WriteSome(output.value(), block.data(), block.size());
    CHECK(FailedWith(written, EAGAIN, "write"));
    CHECK((fcntl(ends[1], F_GETFL) & O_NONBLOCK) == 0);
  }
  for (const int end : ends) (void)close(end);
}

TEST(PollerAnswersEachArmedDescriptorOnce) {
  const SocketPair pair;
  auto poller = Poller::Open();
  CHECK(poller.ok());
  CHECK(poller.value().Add(pair.ends[0], 7).ok());
  CHECK(poller.value().Wait() == 7);
  // Not armed again: only the bell answers now.
  poller.value().Ring();
  CHECK(poller.value().Wait() == Poller::kBell);
  CHECK(poller.value().AnswerBell() && !poller.value().AnswerBell());
  CHECK(poller.value().Arm(pair.ends[0], 8).ok());
  CHECK(poller.value().Wait() == 8);
  poller.value().Remove(pair.ends[0]);
  CHECK(FailedWith(poller.value().Arm(pair.ends[0], 8), ENOENT, "epoll_ctl"));
  const fixture::PatternFile file(1);
  CHECK(FailedWith(poller.value().Add(file.fd(), 9), EPERM, "epoll_ctl"));
}

void* ReadMask(void* result) {
  (void)pthread_sigmask(SIG_BLOCK, nullptr, static_cast<sigset_t*>(result));
  return nullptr;
}

TEST(ThreadsBlockSignalsButFaultsAndTheirMakerKeepsItsMask) {
  sigset_t before;
  sigset_t inside;
  sigset_t after;
  (void)pthread_sigmask(SIG_BLOCK, nullptr, &before);
  sigemptyset(&inside);
  auto thread = Thread::Start(ReadMask, &inside);
  CHECK(thread.ok());
  thread.value().Join();
  (void)pthread_sigmask(SIG_BLOCK, nullptr, &after);
  for (const int number : {SIGPIPE, SIGTERM, SIGUSR1}) {
    CHECK(sigismember(&inside, number) == 1);
    CHECK(sigismember(&before, number) == sigismember(&after, number));
  }
  CHECK(sigismember(&inside, SIGBUS) == 0 && sigismember(&inside, SIGSEGV) == 0);
}

}  // namespace
