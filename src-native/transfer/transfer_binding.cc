// The pump and sendfile for JavaScript. One PumpService per environment, made by the first onTransfersFinished().
//
// Its cleanup hook is added after the Notifier's, hence runs before it: the threads that might call are joined first.
#include <node_api.h>

#include <algorithm>
#include <memory>

#include "environment.h"
#include "node_values.h"
#include "notifier_binding.h"
#include "os/byte_range.h"
#include "os/file.h"
#include "os/output.h"
#include "os/send_file.h"
#include "region/hold_binding.h"
#include "transfer/copy_binding.h"
#include "transfer/inline_send.h"
#include "transfer/pump.h"

namespace zerocopy::transfer {

class PumpService {
 public:
  static napi_value Create(napi_env env, Environment* environment, napi_value callback);

  os::Result<uint64_t> Start(napi_env env, int out, Source source, uint64_t length) {
    const auto id = pump_->Start(out, std::move(source), length);
    if (id.ok()) notifier_.Began(env);
    return id;
  }

  std::vector<Outcome> TakeFinished(napi_env env) {
    return notifier_.Taken(env, [this] { return pump_->TakeFinished(); });
  }

  Pump& pump() { return *pump_; }

 private:
  // On a thread of the pump, or in Cancel.
  static void Wake(void* service) { static_cast<PumpService*>(service)->notifier_.Notify(); }

  Notifier notifier_;
  std::unique_ptr<Pump> pump_;  // ends first: its threads notify
};

void TearDown(Environment* environment) {
  delete environment->transfers;
  environment->transfers = nullptr;
}

napi_value PumpService::Create(napi_env env, Environment* environment, napi_value callback) {
  auto service = std::make_unique<PumpService>();
  auto pump = Pump::Create(Wake, service.get());
  if (!pump.ok()) return MakeFailure(env, pump.error());
  if (!service->notifier_.Create(env, callback, "zerocopy:transfer")) {
    return ThrowMisuse(env, "the environment is ending, or this is no function");
  }
  service->pump_ = std::move(pump.value());
  environment->transfers = service.release();
  napi_add_env_cleanup_hook(env, [](void* data) { TearDown(static_cast<Environment*>(data)); }, environment);
  return MakeUndefined(env);
}

namespace {

napi_value OnTransfersFinished(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  Environment* environment = Environment::From(env);
  if (!arguments.ok() || environment == nullptr) return nullptr;
  if (environment->transfers != nullptr) return ThrowMisuse(env, "the callback is set already");
  return PumpService::Create(env, environment, arguments[0]);
}

PumpService* ServiceOf(napi_env env) {
  Environment* environment = Environment::From(env);
  if (environment != nullptr && environment->transfers != nullptr) return environment->transfers;
  ThrowMisuse(env, "onTransfersFinished() comes first");
  return nullptr;
}

// sendFile(out, in, useOffset, offset, count): one call of sendfile(2).
napi_value SendFile(napi_env env, napi_callback_info info) {
  const Arguments<5> arguments(env, info);
  int out = -1;
  int in = -1;
  bool use_offset = false;
  uint64_t offset = 0;
  uint64_t count = 0;
  if (!arguments.Descriptor(0, &out) || !arguments.Descriptor(1, &in) || !arguments.Boolean(2, &use_offset) ||
      !arguments.Size(3, &offset) || !arguments.Size(4, &count)) {
    return ThrowMisuse(env, "sendFile(out, in, useOffset, offset, count)");
  }
  return NumberOrFailure(env, os::SendFile(out, in, use_offset ? &offset : nullptr, static_cast<size_t>(count)));
}

// What sendInline() and sendMemoryInline() share: (socket, head, …, offset, length).
struct InlineRequest {
  int out = -1;
  char head[kMostHead];
  size_t head_length = 0;
  os::ByteRange range;

  bool Read(napi_env env, const Arguments<5>& arguments) {
    return arguments.Descriptor(0, &out) && arguments.Range(3, &range) &&
           napi_get_value_string_latin1(env, arguments[1], head, sizeof head, &head_length) == napi_ok;
  }

  napi_value Send(napi_env env, int in, uint64_t offset) const {
    if (head_length == sizeof head - 1) return MakeSize(env, 0);  // cut off
    return MakeSize(env, SendInline(out, {head, head_length}, in, offset, range.length));
  }
};

// sendInline(socket, head, in, offset, length): what leaves at once, on this thread, without waiting for disk or peer,
// of `head` (latin1) and then the file; 0 when nothing does. The socket must not block.
napi_value SendFileInline(napi_env env, napi_callback_info info) {
  const Arguments<5> arguments(env, info);
  int in = -1;
  InlineRequest request;
  if (!arguments.Descriptor(2, &in) || !request.Read(env, arguments)) {
    return ThrowMisuse(env, "sendInline(socket, head, in, offset, length)");
  }
  return request.Send(env, in, request.range.offset);
}

// sendMemoryInline(socket, head, hold, offset, length): as above, where a file shows what the memory does; else 0, for
// looking at memory may wait for a disk.
napi_value SendMemoryInline(napi_env env, napi_callback_info info) {
  const Arguments<5> arguments(env, info);
  const std::shared_ptr<region::Region> held = arguments.ok() ? region::FromHold(env, arguments[2]) : nullptr;
  InlineRequest request;
  if (held == nullptr || !request.Read(env, arguments) || !os::Fits(request.range, held->length())) {
    return ThrowMisuse(env, "sendMemoryInline(socket, head, hold, offset, length)");
  }
  const std::shared_ptr<region::Pages> pages = held->pages();
  if (pages->file_behind() < 0) return MakeSize(env, 0);
  return request.Send(env, pages->file_behind(), pages->file_offset() + request.range.offset);
}

// startSendFile(out, in, offset, length): the id of a job.
napi_value StartSendFile(napi_env env, napi_callback_info info) {
  const Arguments<4> arguments(env, info);
  int out = -1;
  int in = -1;
  Source source;
  uint64_t length = 0;
  if (!arguments.Descriptor(0, &out) || !arguments.Descriptor(1, &in) || !arguments.Size(2, &source.offset) ||
      !arguments.Size(3, &length)) {
    return ThrowMisuse(env, "startSendFile(out, in, offset, length)");
  }
  PumpService* service = ServiceOf(env);
  if (service == nullptr) return nullptr;
  auto file = os::Duplicate(in);
  if (!file.ok()) return MakeFailure(env, file.error());
  source.file = std::move(file.value());
  return NumberOrFailure(env, service->Start(env, out, std::move(source), length));
}

// startSendMemory(out, hold, offset, length): the id of a job, which has a share of the hold until it ends.
napi_value StartSendMemory(napi_env env, napi_callback_info info) {
  const Arguments<4> arguments(env, info);
  int out = -1;
  os::ByteRange range;
  if (!arguments.Descriptor(0, &out) || !arguments.Range(2, &range)) {
    return ThrowMisuse(env, "startSendMemory(out, hold, offset, length)");
  }
  PumpService* service = ServiceOf(env);
  if (service == nullptr) return nullptr;
  Source source;
  source.memory = region::HeldMemory(env, arguments[1], range);
  if (source.memory == nullptr) return ThrowMisuse(env, "no range of a region that is held");
  const std::shared_ptr<region::Pages> pages = region::FromHold(env, arguments[1])->pages();
  auto file = os::Duplicate(pages->file_behind());
  if (file.ok()) {
    source.file = std::move(file.value());
    source.offset = pages->file_offset() + range.offset;
  }
  return NumberOrFailure(env, service->Start(env, out, std::move(source), range.length));
}

napi_value CancelSend(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  uint64_t id = 0;
  if (!arguments.Size(0, &id)) return ThrowMisuse(env, "cancelSend(id)");
  PumpService* service = ServiceOf(env);
  if (service != nullptr) service->pump().Cancel(id);
  return MakeUndefined(env);
}

// sendProgress(id): {sent, unacknowledged}, bytes.
napi_value SendProgress(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  uint64_t id = 0;
  if (!arguments.Size(0, &id)) return ThrowMisuse(env, "sendProgress(id)");
  PumpService* service = ServiceOf(env);
  if (service == nullptr) return nullptr;
  const Progress progress = service->pump().ProgressOf(id);
  napi_value result = nullptr;
  if (napi_create_object(env, &result) != napi_ok) return nullptr;
  SetNamed(env, result, "sent", MakeSize(env, progress.sent));
  SetNamed(env, result, "unacknowledged", MakeSize(env, progress.unacknowledged));
  return result;
}

napi_value MakeOutcome(napi_env env, const Outcome& outcome) {
  // A failure's {errno, syscall} with more beside it; errno 0 says that there is none.
  napi_value result = MakeFailure(env, outcome.error);
  if (result == nullptr) return nullptr;
  SetNamed(env, result, "id", MakeSize(env, outcome.id));
  SetNamed(env, result, "sent", MakeSize(env, outcome.sent));
  SetNamed(env, result, "ending", MakeNumber(env, static_cast<double>(outcome.ending)));
  return result;
}

// takeFinished(): the outcomes since the last call.
napi_value TakeFinished(napi_env env, napi_callback_info) {
  PumpService* service = ServiceOf(env);
  if (service == nullptr) return nullptr;
  return MakeArray(env, service->TakeFinished(env), [&](const Outcome& outcome) { return MakeOutcome(env, outcome); });
}

}  // namespace

void Register(napi_env env, napi_value exports) {
  Export(env, exports, "onTransfersFinished", OnTransfersFinished);
  Export(env, exports, "sendFile", SendFile);
  Export(env, exports, "sendInline", SendFileInline);
  Export(env, exports, "sendMemoryInline", SendMemoryInline);
  Export(env, exports, "startSendFile", StartSendFile);
  Export(env, exports, "startSendMemory", StartSendMemory);
  Export(env, exports, "cancelSend", CancelSend);
  Export(env, exports, "sendProgress", SendProgress);
  Export(env, exports, "takeFinished", TakeFinished);
  RegisterCopy(env, exports);
}

}  // namespace zerocopy::transfer
