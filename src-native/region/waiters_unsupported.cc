// Systems without a futex that processes share: every wait answers ENOSYS, and JavaScript sees
// ERR_FEATURE_UNAVAILABLE_ON_PLATFORM.
#include <errno.h>

#include "region/waiters.h"

namespace zerocopy::region {

struct Waiters::Wait {};

Waiters::Waiters(Wake wake, void* context) : wake_(wake), context_(context) {}

Waiters::~Waiters() = default;

os::Result<uint64_t> Waiters::Start(const std::shared_ptr<Region>&, uint64_t, uint32_t, uint64_t) {
  return os::OsError{ENOSYS, "futex"};
}

void Waiters::Cancel(uint64_t) {}

std::vector<WaitOutcome> Waiters::TakeFinished() { return {}; }

os::Result<uint32_t> NotifyWord(const Region&, uint64_t, uint32_t) { return os::OsError{ENOSYS, "futex"}; }

}  // namespace zerocopy::region
