// The Pump moves bytes from files or memory to sockets, pipes and files, on a few threads of its own.
//
// Ownership
// - A Pump belongs to one Node environment, which creates it, calls it on its own thread and destroys it there.
//   The destructor joins the threads; jobs that are still under way end there, without a word.
// - Start() gives the Pump a *job*. The job has descriptors of its own (duplicates), or a reference to the memory
//   it reads (`Source::memory`), from Start() until it ends. The caller may close its own at once.
// - A job is *waiting* (its output is in the poller, or the job is in the ready queue), or *running* (exactly one
//   thread is in its turn), or *ended* (what it had is being closed), or *finished* (only its Outcome is left, until
//   TakeFinished()). Every change of that, arming the poller and cancelling happen under the one lock; system calls
//   that may take long happen outside.
// - A waiting job is cancelled at once, a running one when its turn ends: its Outcome says how much was sent.
//
//     Start() --> waiting <--- more to send --- running --- sent, failed, cancelled --> ended --- closed --> finished
//                    |  \----- a thread is free ---^                                     ^
//                    +--------------------------- Cancel() ------------------------------+
//
// - A turn sends at most kTurn bytes and then goes behind whatever is ready: a small transfer is not kept waiting
//   by large ones. While there is a thread for every job, a turn goes on until its output is full. A read that
//   waits for a disk costs one thread, for one turn.
// - Poller and jobs speak of each other by number, never by pointer: an event that is late finds nothing.
#ifndef ZEROCOPY_TRANSFER_PUMP_H_
#define ZEROCOPY_TRANSFER_PUMP_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "os/descriptor.h"
#include "os/output.h"
#include "os/poller.h"
#include "os/result.h"
#include "os/thread.h"

namespace zerocopy::transfer {

constexpr size_t kTurn = size_t{1024} * 1024;  // bytes

// What a job reads: the file from `offset` on, where there is one, and memory from its first byte on. Where there are
// both they show the same bytes: the kernel sends the file if it can, and the memory is held all the same.
struct Source {
  os::Descriptor file;
  uint64_t offset = 0;
  std::shared_ptr<const uint8_t> memory;
};

enum class Ending : uint8_t { kComplete = 0, kFailed = 1, kCancelled = 2, kShort = 3 };  // ENDINGS in lib

struct Outcome {
  uint64_t id = 0;
  uint64_t sent = 0;  // bytes, exact whatever the ending
  Ending ending = Ending::kComplete;
  os::OsError error;  // of kFailed
};

// `sent` bytes were taken by the system, `unacknowledged` of them not yet by the peer.
struct Progress {
  uint64_t sent = 0;
  uint64_t unacknowledged = 0;
};

class Pump {
 public:
  // Called on a pump's thread, or in Cancel(), when TakeFinished() has something new; must not call the Pump.
  using Wake = void (*)(void* context);

  static os::Result<std::unique_ptr<Pump>> Create(Wake wake, void* context);
  Pump(const Pump&) = delete;
  Pump& operator=(const Pump&) = delete;
  ~Pump();

  // Sends `length` bytes of `source` to a duplicate of `out`. Answers the job's id, never 0. Errors: EBADF, EMFILE,
  // EAGAIN when no thread can be had.
  os::Result<uint64_t> Start(int out, Source source, uint64_t length);
  // No effect once the job has finished. Its Outcome comes in any case.
  void Cancel(uint64_t id);
  // Of a job whose Outcome has not been taken, so that `sent` never falls meanwhile; else zeros.
  Progress ProgressOf(uint64_t id);
  // The Outcomes since the last call.
  std::vector<Outcome> TakeFinished();

 private:
  struct Job;
  using Jobs = std::vector<std::unique_ptr<Job>>;
  // How a job ended, and what of it is still to be closed. Id 0: it has not ended.
  struct Ended {
    Outcome outcome;
    os::Output output;
    Source source;
  };

  Pump(Wake wake, void* context, os::Poller poller);

  static void* Thread(void* pump);
  void Run();
  uint64_t NextEvent();
  Job* Claim(uint64_t id);
  Ended Turn(Job* job);
  void Report(Ended ended);
  os::Status EnsureThread();
  os::Status Enqueue(Job* job, bool is_new);
  Ended Settle(Job* job, const os::Result<size_t>& step);
  Ended Finish(Job* job, Ending ending, os::OsError error);
  Jobs::iterator Find(uint64_t id);

  const Wake wake_;
  void* const context_;
  os::Poller poller_;
  std::atomic<bool> stopping_{false};

  std::mutex mutex_;  // over all that follows
  Jobs jobs_;         // by rising id
  std::deque<uint64_t> ready_;
  std::vector<Outcome> finished_;
  std::vector<os::Thread> threads_;
  uint64_t last_id_ = 0;
};

}  // namespace zerocopy::transfer

#endif  // ZEROCOPY_TRANSFER_PUMP_H_
