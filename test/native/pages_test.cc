// Pages under faults, parked and retired; and their way to other threads (share.h).
#include "region/pages.h"

#include <pthread.h>
#include <unistd.h>

#include "check.h"
#include "counters.h"
#include "fixture.h"
#include "region/share.h"

namespace {

using zerocopy::counters;
using zerocopy::os::Access;
using zerocopy::os::ByteRange;
using zerocopy::region::Claim;
using zerocopy::region::DropExpired;
using zerocopy::region::fault_epoch;
using zerocopy::region::kTokenLifetime;
using zerocopy::region::Offer;
using zerocopy::region::Pages;
using zerocopy::region::Token;

constexpr uint64_t kPage = 4096;
constexpr uint64_t kFileLength = 16 * kPage;

std::shared_ptr<Pages> Map(const fixture::PatternFile& file, ByteRange range = {0, kFileLength},
                           Access access = Access::kRead) {
  auto result = Pages::MapFile(file.fd(), range, access);
  CHECK(result.ok());
  return result.ok() ? std::move(result.value()) : nullptr;
}

// TSan takes the handler's mmap for a write that races with whoever reads there; that it may is what is tested.
__attribute__((no_sanitize("thread"))) uint64_t CountZeros(const Pages& pages) {
  uint64_t zeros = 0;
  for (uint64_t i = 0; i < pages.length(); i++) zeros += pages.data()[i] == 0 ? 1 : 0;
  return zeros;
}

TEST(PagesPastTheEndReadAsZerosAndAreCounted) {
  const fixture::PatternFile file(kFileLength);
  const fixture::PatternFile other(kFileLength);
  const auto whole = Map(other);
  const auto pages = Map(file, {100, kFileLength - 100});
  const uint32_t epoch = fault_epoch;
  CHECK(pages->faults() == 0);
  CHECK(ftruncate(file.fd(), 5 * kPage + 10) == 0);
  CHECK(pages->data()[4 * kPage] == fixture::PatternAt(4 * kPage + 100));
  CHECK(pages->faults() == 0);
  CHECK(pages->data()[9 * kPage] == 0);
  CHECK(pages->faults() == 10);  // the whole tail at once: pages 6 to 15
  CHECK(pages->fault_offset() == 6 * kPage - 100);
  CHECK(pages->data()[6 * kPage] == 0 && pages->data()[pages->length() - 1] == 0);
  CHECK(pages->faults() == 10 && fault_epoch == epoch + 1);
  CHECK(whole->faults() == 0 && whole->data()[9 * kPage] == fixture::PatternAt(9 * kPage));
}

TEST(PagesOfAFileCutToNothingAreAllZeros) {
  const fixture::PatternFile file(kFileLength);
  const auto pages = Map(file, {0, kFileLength}, Access::kWrite);
  CHECK(ftruncate(file.fd(), 0) == 0);
  pages->data()[3 * kPage] = 7;  // a write faults as well, and goes nowhere
  CHECK(CountZeros(*pages) == kFileLength - 1);
  CHECK(pages->faults() == 16 && pages->fault_offset() == 0);
}

void* ReadAll(void* pages) {
  const uint64_t zeros = CountZeros(*static_cast<Pages*>(pages));
  return zeros == 0 ? pages : nullptr;  // so that the reads are not optimised away
}

TEST(PagesFaultOnManyThreadsAtOnce) {
  const fixture::PatternFile file(kFileLength);
  const auto pages = Map(file);
  CHECK(ftruncate(file.fd(), kPage) == 0);
  pthread_t threads[8];
  for (pthread_t& thread : threads) CHECK(pthread_create(&thread, nullptr, ReadAll, pages.get()) == 0);
  for (const pthread_t thread : threads) CHECK(pthread_join(thread, nullptr) == 0);
  CHECK(pages->faults() >= 15 && pages->data()[0] == fixture::PatternAt(0));
}

TEST(PagesParkedAreZerosAndUnmappedLater) {
  const fixture::PatternFile file(kFileLength);
  auto pages = Map(file);
  const int64_t parked = counters.regions_parked;
  pages->Park();
  pages->Park();
  CHECK(counters.regions_parked == parked + 1);
  CHECK(fixture::MapsOf(file.path()) == 0 && CountZeros(*pages) == kFileLength);
  pages.reset();
  CHECK(counters.regions_parked == parked);
}

TEST(PagesRetiredKeepTheirAddresses) {
  const fixture::PatternFile file(kFileLength);
  auto pages = Map(file);
  const int64_t retired = counters.regions_retired;
  const uint8_t* data = pages->data();
  pages->Retire();
  CHECK(data[5] == fixture::PatternAt(5));
  pages.reset();
  CHECK(counters.regions_retired == retired + 1 && fixture::MapsOf(file.path()) == 0);
  CHECK(data[5] == 0);  // mapped still
}

TEST(TokenIsClaimedOnce) {
  const fixture::PatternFile file(kFileLength);
  auto pages = Map(file);
  const Token token{1, 2, 3};
  Offer(token, pages, 1000);
  const Pages* address = pages.get();
  pages.reset();
  CHECK(fixture::MapsOf(file.path()) == 1);
  CHECK(Claim(Token{9}, 1000) == nullptr);
  CHECK(Claim(token, 1001).get() == address);
  CHECK(Claim(token, 1001) == nullptr);
  CHECK(fixture::MapsOf(file.path()) == 0);
}

TEST(TokenExpires) {
  const fixture::PatternFile file(kFileLength);
  Offer(Token{4}, Map(file), 1000);
  Offer(Token{5}, Map(file), 2000);
  CHECK(fixture::MapsOf(file.path()) == 2);
  DropExpired(1000 + kTokenLifetime);
  CHECK(fixture::MapsOf(file.path()) == 1);
  CHECK(Claim(Token{4}, 1000) == nullptr);
  CHECK(Claim(Token{5}, 2000 + kTokenLifetime) == nullptr);
  CHECK(fixture::MapsOf(file.path()) == 0);
}

}  // namespace
