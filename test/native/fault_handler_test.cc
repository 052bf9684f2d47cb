// Which faults are ours: those under our Pages, each under its own, and no other.
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "check.h"
#include "fixture.h"
#include "region/pages.h"
#include "region/region.h"

namespace {

using zerocopy::os::Access;
using zerocopy::region::Pages;
using zerocopy::region::Region;
using zerocopy::region::State;

constexpr uint64_t kFileLength = uint64_t{6} * 4096;

std::shared_ptr<Pages> Map(const fixture::PatternFile& file) {
  auto result = Pages::MapFile(file.fd(), {0, kFileLength}, Access::kRead);
  CHECK(result.ok());
  return result.ok() ? std::move(result.value()) : nullptr;
}

uint8_t ReadAt(const void* data, uint64_t offset) { return static_cast<const volatile uint8_t*>(data)[offset]; }

TEST(FaultsOfEachPagesAreItsOwn) {
  const fixture::PatternFile cut(kFileLength);
  const fixture::PatternFile whole(kFileLength);
  const auto before = Map(whole);
  const auto pages = Map(cut);
  const auto after = Map(whole);
  CHECK(ftruncate(cut.fd(), 0) == 0);
  CHECK(ReadAt(pages->data(), 7) == 0);
  CHECK(pages->faults() == 6 && before->faults() == 0 && after->faults() == 0);
  CHECK(ReadAt(before->data(), 7) == fixture::PatternAt(7) && ReadAt(after->data(), 7) == fixture::PatternAt(7));
}

// A child reads a page that was cut off, mapped by us or by somebody else: the signal that ended it, 0 if none did.
int SignalOfChild(bool mapped_by_us) {
  const fixture::PatternFile file(kFileLength);
  const pid_t child = fork();
  if (child == 0) {
    // As in a program of its own: no handler (the sanitizers have theirs), then ours.
    struct sigaction standard = {};
    standard.sa_handler = SIG_DFL;
    (void)sigaction(SIGBUS, &standard, nullptr);
    const auto ours = Map(file);
    const void* other = mmap(nullptr, kFileLength, PROT_READ, MAP_PRIVATE, file.fd(), 0);
    if (other == MAP_FAILED || ftruncate(file.fd(), 0) != 0) _exit(1);
    _exit(ReadAt(mapped_by_us ? ours->data() : other, 4096) == 0 ? 0 : 1);
  }
  int status = 0;
  (void)waitpid(child, &status, 0);
  CHECK(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

TEST(FaultUnderOurPagesIsSurvivedAndOneElsewhereEndsTheProcess) {
  CHECK(SignalOfChild(true) == 0);
  CHECK(SignalOfChild(false) == SIGBUS);
}

TEST(PagesOfTwoRegionsGoWithTheLater) {
  const fixture::PatternFile file(kFileLength);
  auto pages = Map(file);
  const auto first = std::make_shared<Region>(pages);
  const auto second = std::make_shared<Region>(pages);
  pages.reset();
  CHECK(first->Close() == State::kClosed);
  CHECK(second->state() == State::kOpen && fixture::MapsOf(file.path()) == 1);
  CHECK(ReadAt(second->data(), 9) == fixture::PatternAt(9));
  CHECK(second->Close() == State::kClosed);
  CHECK(fixture::MapsOf(file.path()) == 0);
}

}  // namespace
