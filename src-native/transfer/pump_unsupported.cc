// Systems on which no pump was built yet: transfers read and write instead (lib/transfer/to-stream.ts,
// to-descriptor.ts).
#include <errno.h>

#include "transfer/inline_send.h"
#include "transfer/pump.h"

namespace zerocopy::transfer {

struct Pump::Job {};

os::Result<std::unique_ptr<Pump>> Pump::Create(Wake, void*) { return os::OsError{ENOSYS, "sendfile"}; }
Pump::~Pump() = default;
os::Result<uint64_t> Pump::Start(int, Source, uint64_t) { return os::OsError{ENOSYS, "sendfile"}; }
void Pump::Cancel(uint64_t) {}
Progress Pump::ProgressOf(uint64_t) { return {}; }
std::vector<Outcome> Pump::TakeFinished() { return {}; }

size_t SendInline(int, Head, int, uint64_t, uint64_t) { return 0; }

}  // namespace zerocopy::transfer
