// Copies for JavaScript: a tagged object has a Copy, and each of its turns runs on the thread pool.
#include "transfer/copy_binding.h"

#include <errno.h>

#include <memory>
#include <utility>

#include "node_values.h"
#include "os/file.h"
#include "pool_work_binding.h"
#include "region/hold_binding.h"
#include "tagged_object_binding.h"
#include "transfer/copy.h"

namespace zerocopy::transfer {
namespace {

const napi_type_tag kCopyTag = TagOf(0x5b0e9f3ad7c14e86);

struct CopyJob {
  CopyJob(CopySource source, CopyTarget target, uint64_t length) : copy(std::move(source), std::move(target), length) {}
  Copy copy;
  bool in_turn = false;  // known to the thread of JavaScript alone
};

// What the object wraps; empty once endCopy() was called.
using CopyHandle = std::shared_ptr<CopyJob>;

class CopyTurn {
 public:
  explicit CopyTurn(CopyHandle job) : job_(std::move(job)) { job_->in_turn = true; }
  CopyTurn(const CopyTurn&) = delete;
  CopyTurn& operator=(const CopyTurn&) = delete;
  ~CopyTurn() { job_->in_turn = false; }

  void Run() { progress_ = job_->copy.Turn(); }

  napi_value Answer(napi_env env) const {
    // A failure's {errno, syscall} with more beside it; errno 0 says that there is none.
    napi_value result = MakeFailure(env, progress_.error);
    if (result == nullptr) return nullptr;
    SetNamed(env, result, "state", MakeNumber(env, static_cast<double>(progress_.state)));
    SetNamed(env, result, "copied", MakeSize(env, progress_.copied));
    return result;
  }

 private:
  const CopyHandle job_;
  CopyProgress progress_;
};

// A file that was opened for this copy is ours to seek in. Of one of the caller's a second opening is taken, and where
// there is none a duplicate, whose position it would see move.
os::Status Take(int descriptor, bool is_ours, os::Use use, CopyFile* file) {
  if (!is_ours) {
    auto reopened = os::Reopen(descriptor, use);
    if (!reopened.ok() && reopened.error().number == EBADF) return reopened.error();
    if (reopened.ok()) file->file = std::move(reopened.value());
    file->may_seek = reopened.ok();
    if (reopened.ok()) return os::Nothing{};
  }
  auto copy = os::Duplicate(descriptor);
  if (!copy.ok()) return copy.error();
  file->file = std::move(copy.value());
  file->may_seek = is_ours;
  return os::Nothing{};
}

napi_value MakeCopy(napi_env env, CopySource source, CopyTarget target, uint64_t length) {
  return Wrap(env, std::make_unique<CopyHandle>(new CopyJob(std::move(source), std::move(target), length)), kCopyTag);
}

// The arguments that both kinds of source share: (…, offset, length, target, targetIsOurs, targetOffset, replaces).
struct Request {
  uint64_t offset = 0;
  uint64_t length = 0;
  int target = -1;
  bool target_is_ours = false;
  CopyTarget to;

  template <size_t kCount>
  bool Read(const Arguments<kCount>& arguments, size_t first) {
    return arguments.Size(first, &offset) && arguments.Size(first + 1, &length) &&
           arguments.Descriptor(first + 2, &target) && arguments.Boolean(first + 3, &target_is_ours) &&
           arguments.Size(first + 4, &to.offset) && arguments.Boolean(first + 5, &to.replaces);
  }
};

bool Overlap(uint64_t one, uint64_t other, uint64_t length) {
  return (one < other ? other - one : one - other) < length;
}

// Whether what is read, from `offset` of the file `source` on, would be written over.
os::Result<bool> IsOverItself(const os::FileIdentity& source, uint64_t offset, const Request& request) {
  const auto target = os::IdentityOf(request.target);
  if (!target.ok()) return target.error();
  if (!(target.value() == source)) return false;
  return request.to.replaces || Overlap(offset, request.to.offset, request.length);
}

napi_value NullOrFailure(napi_env env, const os::Result<bool>& over) {
  return over.ok() ? MakeNull(env) : MakeFailure(env, over.error());
}

// startCopyFile(file, fileIsOurs, offset, length, target, targetIsOurs, targetOffset, replaces): a handle, a failure,
// or null when both are one file and its bytes would be read where they are written.
napi_value StartCopyFile(napi_env env, napi_callback_info info) {
  const Arguments<8> arguments(env, info);
  int file = -1;
  bool is_ours = false;
  Request request;
  if (!arguments.Descriptor(0, &file) || !arguments.Boolean(1, &is_ours) || !request.Read(arguments, 2)) {
    return ThrowMisuse(env,
                       "startCopyFile(file, fileIsOurs, offset, length, target, targetIsOurs, targetOffset, replaces)");
  }
  const auto identity = os::IdentityOf(file);
  if (!identity.ok()) return MakeFailure(env, identity.error());
  const auto over = IsOverItself(identity.value(), request.offset, request);
  if (!over.ok() || over.value()) return NullOrFailure(env, over);
  CopySource source;
  source.offset = request.offset;
  const os::Status source_taken = Take(file, is_ours, os::Use::kRead, &source);
  if (!source_taken.ok()) return MakeFailure(env, source_taken.error());
  const os::Status target_taken = Take(request.target, request.target_is_ours, os::Use::kWrite, &request.to);
  if (!target_taken.ok()) return MakeFailure(env, target_taken.error());
  return MakeCopy(env, std::move(source), std::move(request.to), request.length);
}

// startCopyMemory(hold, offset, length, target, targetIsOurs, targetOffset, replaces): as above, of the file that
// is mapped there.
napi_value StartCopyMemory(napi_env env, napi_callback_info info) {
  const Arguments<7> arguments(env, info);
  Request request;
  if (!request.Read(arguments, 1)) {
    return ThrowMisuse(env, "startCopyMemory(hold, offset, length, target, targetIsOurs, targetOffset, replaces)");
  }
  const std::shared_ptr<region::Region> held = region::FromHold(env, arguments[0]);
  if (held == nullptr) return ThrowMisuse(env, "no region that is held");
  const std::shared_ptr<region::Pages> pages = held->pages();
  const auto over = IsOverItself(pages->file(), pages->file_offset() + request.offset, request);
  if (!over.ok() || over.value()) return NullOrFailure(env, over);
  CopySource source;
  source.memory = region::HeldMemory(env, arguments[0], {request.offset, request.length});
  if (source.memory == nullptr && request.length > 0) return ThrowMisuse(env, "no range of a region that is held");
  const os::Status taken = Take(request.target, request.target_is_ours, os::Use::kWrite, &request.to);
  if (!taken.ok()) return MakeFailure(env, taken.error());
  return MakeCopy(env, std::move(source), std::move(request.to), request.length);
}

CopyHandle* HandleFrom(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  auto* handle = arguments.ok() ? Unwrap<CopyHandle>(env, arguments[0], kCopyTag) : nullptr;
  if (handle == nullptr) ThrowMisuse(env, "not the handle of a copy");
  return handle;
}

// copyTurn(handle): promise of {state, copied, errno, syscall}.
napi_value TakeTurn(napi_env env, napi_callback_info info) {
  const CopyHandle* handle = HandleFrom(env, info);
  if (handle == nullptr) return nullptr;
  if (*handle == nullptr || (*handle)->in_turn) return ThrowMisuse(env, "the copy has ended, or is in a turn");
  return RunOnPool(env, std::make_unique<CopyTurn>(*handle), "zerocopy:copy");
}

// endCopy(handle): closes what it has, now or when its turn is over.
napi_value EndCopy(napi_env env, napi_callback_info info) {
  CopyHandle* handle = HandleFrom(env, info);
  if (handle == nullptr) return nullptr;
  handle->reset();
  return MakeUndefined(env);
}

}  // namespace

void RegisterCopy(napi_env env, napi_value exports) {
  Export(env, exports, "startCopyFile", StartCopyFile);
  Export(env, exports, "startCopyMemory", StartCopyMemory);
  Export(env, exports, "copyTurn", TakeTurn);
  Export(env, exports, "endCopy", EndCopy);
}

}  // namespace zerocopy::transfer
