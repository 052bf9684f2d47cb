#include "transfer/pump.h"

#include <errno.h>

#include <algorithm>

#include "counters.h"
#include "os/send_file.h"

namespace zerocopy::transfer {

namespace {

// They wait for disks more than they compute: as many jobs as this may read cold files and not delay the rest.
constexpr size_t kMostThreads = 4;
constexpr size_t kCopyBuffer = size_t{256} * 1024;  // bytes, of jobs that sendfile cannot serve

// sendfile cannot serve this pair of files, though a read and a write may.
bool IsRefusal(const os::OsError& error) {
  return error.number == EINVAL || error.number == ENOSYS || error.number == EOPNOTSUPP;
}

}  // namespace

struct Pump::Job {
  uint64_t id = 0;
  os::Output output;
  Source source;
  uint64_t length = 0;
  bool can_send_file = false;
  std::unique_ptr<uint8_t[]> copy_buffer;

  // Under the Pump's lock:
  uint64_t sent = 0;
  bool running = false;
  bool cancelled = false;
  bool in_poller = false;
  bool ended = false;

  os::Result<size_t> Send(uint64_t done);
  os::Result<size_t> Copy(uint64_t done, size_t count);
};

// One step of a turn; never waits for the output.
os::Result<size_t> Pump::Job::Send(uint64_t done) {
  const auto count = static_cast<size_t>(std::min<uint64_t>(length - done, kTurn));
  if (can_send_file) {
    const uint64_t offset = source.offset + done;
    const auto sent = os::SendFile(output.descriptor.get(), source.file.get(), &offset, count);
    can_send_file = sent.ok() || !IsRefusal(sent.error());
    if (can_send_file) return sent;
  }
  return source.memory == nullptr ? Copy(done, count) : os::WriteSome(output, source.memory.get() + done, count);
}

os::Result<size_t> Pump::Job::Copy(uint64_t done, size_t count) {
  if (copy_buffer == nullptr) copy_buffer = std::make_unique<uint8_t[]>(kCopyBuffer);
  const size_t part = std::min(count, kCopyBuffer);
  return os::CopySome(output, source.file.get(), source.offset + done, copy_buffer.get(), part);
}

os::Result<std::unique_ptr<Pump>> Pump::Create(Wake wake, void* context) {
  auto poller = os::Poller::Open();
  if (!poller.ok()) return poller.error();
  return std::unique_ptr<Pump>(new Pump(wake, context, std::move(poller.value())));
}

Pump::Pump(Wake wake, void* context, os::Poller poller) : wake_(wake), context_(context), poller_(std::move(poller)) {}

Pump::~Pump() {
  stopping_ = true;
  // A ring for each: a thread that saw `stopping_` too late answers one, and then sees it.
  for (size_t i = 0; i < threads_.size(); ++i) poller_.Ring();
  for (os::Thread& thread : threads_) thread.Join();
  counters.pump_threads -= static_cast<int64_t>(threads_.size());
  counters.transfers_in_flight -= static_cast<int64_t>(jobs_.size());
}

// --- Called by the environment's thread ---

os::Result<uint64_t> Pump::Start(int out, Source source, uint64_t length) {
  auto output = os::OpenOutput(out);
  if (!output.ok()) return output.error();
  auto job = std::make_unique<Job>();
  job->output = std::move(output.value());
  job->source = std::move(source);
  job->can_send_file = job->source.file.get() >= 0 && !job->output.must_copy;
  job->length = length;

  const std::lock_guard<std::mutex> lock(mutex_);
  const auto thread = EnsureThread();
  if (!thread.ok()) return thread.error();
  job->id = ++last_id_;
  const auto queued = Enqueue(job.get(), true);
  if (!queued.ok()) return queued.error();
  const uint64_t id = job->id;
  jobs_.push_back(std::move(job));
  ++counters.transfers_started;
  ++counters.transfers_in_flight;
  return id;
}

void Pump::Cancel(uint64_t id) {
  Ended ended;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = Find(id);
    if (found == jobs_.end() || (*found)->ended) return;
    (*found)->cancelled = true;
    if ((*found)->running) return;
    ended = Finish(found->get(), Ending::kCancelled, {});
  }
  Report(std::move(ended));
}

Progress Pump::ProgressOf(uint64_t id) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = Find(id);
  if (found != jobs_.end()) return {(*found)->sent, os::Unacknowledged((*found)->output)};
  const auto ended =
      std::find_if(finished_.begin(), finished_.end(), [&](const Outcome& outcome) { return outcome.id == id; });
  return {ended == finished_.end() ? 0 : ended->sent, 0};
}

std::vector<Outcome> Pump::TakeFinished() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return std::exchange(finished_, {});
}

// --- The threads ---

void* Pump::Thread(void* pump) {
  static_cast<Pump*>(pump)->Run();
  return nullptr;
}

void Pump::Run() {
  for (;;) {
    const uint64_t id = NextEvent();
    if (stopping_) return;
    Job* job = Claim(id);
    if (job == nullptr) continue;
    Ended ended = Turn(job);
    if (ended.outcome.id != 0) Report(std::move(ended));
  }
}

// The id of a job that may be ready; 0 when another thread was faster.
uint64_t Pump::NextEvent() {
  const uint64_t token = poller_.Wait();
  if (token != os::Poller::kBell) return token;
  if (stopping_ || !poller_.AnswerBell()) return 0;
  const std::lock_guard<std::mutex> lock(mutex_);
  if (ready_.empty()) return 0;
  const uint64_t id = ready_.front();
  ready_.pop_front();
  return id;
}

// From waiting to running; nullptr if the job has ended meanwhile.
Pump::Job* Pump::Claim(uint64_t id) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = Find(id);
  if (found == jobs_.end() || (*found)->running || (*found)->ended) return nullptr;
  (*found)->running = true;
  return found->get();
}

// Sends, then decides under the lock what becomes of the job. No id in the answer: it waits again. Where there is a
// thread for every job nobody waits for this one, which goes on until its output is full.
Pump::Ended Pump::Turn(Job* job) {
  for (;;) {
    const auto step = job->Send(job->sent);  // only the running thread writes `sent`
    const std::lock_guard<std::mutex> lock(mutex_);
    const bool more = step.ok() && step.value() > 0 && job->sent + step.value() < job->length;
    if (more && !job->cancelled && !stopping_ && jobs_.size() <= threads_.size()) {
      job->sent += step.value();
    } else {
      return Settle(job, step);
    }
  }
}

// From ended to finished. What the job had is closed before anyone hears of it, and outside the lock, for closing may
// take long; until then the job says how much was sent.
void Pump::Report(Ended ended) {
  ended.output = {};
  ended.source = {};
  --counters.transfers_in_flight;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    jobs_.erase(Find(ended.outcome.id));
    finished_.push_back(ended.outcome);
  }
  wake_(context_);
}

// --- Under the lock ---

// As many threads as jobs, up to the limit; they stay. With none at all the job cannot be done.
os::Status Pump::EnsureThread() {
  if (threads_.size() > jobs_.size() || threads_.size() >= kMostThreads) return os::Nothing{};
  auto thread = os::Thread::Start(Thread, this);
  if (!thread.ok()) return threads_.empty() ? os::Status(thread.error()) : os::Nothing{};
  threads_.push_back(std::move(thread.value()));
  ++counters.pump_threads;
  return os::Nothing{};
}

Pump::Ended Pump::Settle(Job* job, const os::Result<size_t>& step) {
  const bool would_block = !step.ok() && (step.error().number == EAGAIN || step.error().number == EWOULDBLOCK);
  job->running = false;
  if (step.ok()) job->sent += step.value();
  if (job->sent == job->length) return Finish(job, Ending::kComplete, {});
  if (!step.ok() && !would_block) return Finish(job, Ending::kFailed, step.error());
  if (job->cancelled) return Finish(job, Ending::kCancelled, {});
  if (step.ok() && step.value() == 0) return Finish(job, Ending::kShort, {});
  const auto queued = Enqueue(job, false);
  return queued.ok() ? Ended{} : Finish(job, Ending::kFailed, queued.error());
}

// To waiting. Outputs that cannot be waited for (regular files) are always ready and queue up here instead.
os::Status Pump::Enqueue(Job* job, bool is_new) {
  const int fd = job->output.descriptor.get();
  if (is_new || job->in_poller) {
    const auto armed = is_new ? poller_.Add(fd, job->id) : poller_.Arm(fd, job->id);
    if (armed.ok()) job->in_poller = true;
    if (armed.ok() || armed.error().number != EPERM) return armed;
  }
  ready_.push_back(job->id);
  poller_.Ring();
  return os::Nothing{};
}

Pump::Jobs::iterator Pump::Find(uint64_t id) {
  const auto by_id = [](const std::unique_ptr<Job>& job, uint64_t wanted) { return job->id < wanted; };
  const auto at = std::lower_bound(jobs_.begin(), jobs_.end(), id, by_id);
  return at != jobs_.end() && (*at)->id == id ? at : jobs_.end();
}

// The caller gives the answer to Report() when it has given the lock back.
Pump::Ended Pump::Finish(Job* job, Ending ending, os::OsError error) {
  if (job->in_poller) poller_.Remove(job->output.descriptor.get());
  job->ended = true;
  return {{job->id, job->sent, ending, error}, std::move(job->output), std::move(job->source)};
}

}  // namespace zerocopy::transfer
