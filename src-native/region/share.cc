#include "region/share.h"

#include <algorithm>
#include <mutex>
#include <utility>
#include <vector>

namespace zerocopy::region {
namespace {

struct Offered {
  Token token;
  std::shared_ptr<Pages> pages;
  int64_t until;
};

std::mutex mutex;
// Never destroyed: a worker may still claim while the process ends.
std::vector<Offered>& Table() {
  static auto* table = new std::vector<Offered>();
  return *table;
}

// Unmapping takes its time, so what is dropped leaves the lock first.
std::vector<Offered> TakeExpiredLocked(int64_t now) {
  std::vector<Offered>& table = Table();
  const auto fresh = std::partition(table.begin(), table.end(), [&](const Offered& one) { return one.until > now; });
  std::vector<Offered> expired(std::make_move_iterator(fresh), std::make_move_iterator(table.end()));
  table.erase(fresh, table.end());
  return expired;
}

}  // namespace

void Offer(const Token& token, std::shared_ptr<Pages> pages, int64_t now) {
  std::vector<Offered> expired;
  const std::lock_guard<std::mutex> lock(mutex);
  expired = TakeExpiredLocked(now);
  Table().push_back({token, std::move(pages), now + kTokenLifetime});
}

std::shared_ptr<Pages> Claim(const Token& token, int64_t now) {
  std::vector<Offered> expired;
  const std::lock_guard<std::mutex> lock(mutex);
  expired = TakeExpiredLocked(now);
  std::vector<Offered>& table = Table();
  const auto found = std::find_if(table.begin(), table.end(), [&](const Offered& one) { return one.token == token; });
  if (found == table.end()) return nullptr;
  std::shared_ptr<Pages> pages = std::move(found->pages);
  table.erase(found);
  return pages;
}

void DropExpired(int64_t now) {
  std::vector<Offered> expired;
  const std::lock_guard<std::mutex> lock(mutex);
  expired = TakeExpiredLocked(now);
}

}  // namespace zerocopy::region
