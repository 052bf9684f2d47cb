// The pump against socket pairs, pipes and files: every byte, every ending, under every sanitizer.
#include "transfer/pump.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "check.h"
#include "fixture.h"
#include "os/file.h"
#include "os/send_file.h"

namespace {

using fixture::PatternAt;
using fixture::PatternFile;
using zerocopy::os::Duplicate;
using zerocopy::transfer::Ending;
using zerocopy::transfer::Outcome;
using zerocopy::transfer::Pump;
using zerocopy::transfer::Source;

// A pump, and the outcomes that it told of.
class Station {
 public:
  Station() : pump_(std::move(Pump::Create(Wake, this).value())) {}

  Pump& pump() { return *pump_; }

  uint64_t Send(int out, int file, uint64_t offset, uint64_t length) {
    Source source;
    source.file = std::move(Duplicate(file).value());
    source.offset = offset;
    const auto id = pump_->Start(out, std::move(source), length);
    CHECK(id.ok());
    return id.value();
  }

  // Waits for the job to end.
  Outcome Await(uint64_t id) {
    std::unique_lock<std::mutex> lock(mutex_);
    while (outcomes_.count(id) == 0) {
      woken_.wait(lock, [this] { return fresh_; });
      fresh_ = false;
      for (const Outcome& outcome : pump_->TakeFinished()) outcomes_[outcome.id] = outcome;
    }
    return outcomes_[id];
  }

  void End() { pump_.reset(); }

 private:
  static void Wake(void* context) {
    auto* station = static_cast<Station*>(context);
    const std::lock_guard<std::mutex> lock(station->mutex_);
    station->fresh_ = true;
    station->woken_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable woken_;
  bool fresh_ = false;
  std::map<uint64_t, Outcome> outcomes_;
  std::unique_ptr<Pump> pump_;
};

// Two connected sockets; `out` does not block.
struct Pair {
  int out = -1;
  int in = -1;

  explicit Pair(int flags = SOCK_NONBLOCK) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) std::abort();
    out = ends[0];
    in = ends[1];
    if ((flags & SOCK_NONBLOCK) != 0) (void)fcntl(out, F_SETFL, O_NONBLOCK);
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;
  ~Pair() {
    CloseOut();
    CloseIn();
  }
  void CloseOut() {
    if (out >= 0) (void)close(out);
    out = -1;
  }
  void CloseIn() {
    if (in >= 0) (void)close(in);
    in = -1;
  }
};

// Reads to the end and checks that byte i is the pattern's byte `offset` + i; how many there were.
uint64_t ReadPattern(int fd, uint64_t offset) {
  uint8_t piece[65536];
  uint64_t got = 0;
  for (;;) {
    const ssize_t count = read(fd, piece, sizeof(piece));
    if (count <= 0) return got;
    for (ssize_t i = 0; i < count; i++) {
      if (piece[i] != PatternAt(offset + got + static_cast<uint64_t>(i))) {
        CHECK(!"a byte is wrong");
        return got;
      }
    }
    got += static_cast<uint64_t>(count);
  }
}

constexpr uint64_t kMany = 5'000'003;

}  // namespace

TEST(PumpSendsEveryByteToASocket) {
  const PatternFile file(kMany);
  const int next = fixture::NextDescriptor();
  {
    Station station;
    Pair pair;
    const uint64_t id = station.Send(pair.out, file.fd(), 3, kMany - 3);
    pair.CloseOut();  // the job has its own
    CHECK(ReadPattern(pair.in, 3) == kMany - 3);
    const Outcome outcome = station.Await(id);
    CHECK(outcome.ending == Ending::kComplete);
    CHECK(outcome.sent == kMany - 3);
  }
  CHECK(fixture::NextDescriptor() == next);
}

TEST(PumpSendsManyAtOnceAndLetsNobodyWaitForTheStalled) {
  const PatternFile file(kMany);
  Station station;
  Pair stalled[8];
  for (Pair& pair : stalled) (void)station.Send(pair.out, file.fd(), 0, kMany);
  Pair pairs[16];
  std::vector<std::thread> readers;
  std::vector<uint64_t> ids;
  for (uint64_t i = 0; i < 16; i++) {
    ids.push_back(station.Send(pairs[i].out, file.fd(), i, 1'000'000 + i));
    pairs[i].CloseOut();
    readers.emplace_back([&pairs, i] { CHECK(ReadPattern(pairs[i].in, i) == 1'000'000 + i); });
  }
  for (std::thread& reader : readers) reader.join();
  for (const uint64_t id : ids) CHECK(station.Await(id).ending == Ending::kComplete);
}

TEST(PumpSendsToABlockingSocketWithoutBlocking) {
  const PatternFile file(kMany);
  Station station;
  Pair pair(0);
  const uint64_t id = station.Send(pair.out, file.fd(), 0, kMany);
  CHECK((fcntl(pair.out, F_GETFL) & O_NONBLOCK) == 0);
  pair.CloseOut();
  CHECK(ReadPattern(pair.in, 0) == kMany);
  CHECK(station.Await(id).sent == kMany);
}

TEST(PumpSendsToPipesAndFiles) {
  const PatternFile file(kMany);
  Station station;
  int ends[2];
  CHECK(pipe2(ends, O_CLOEXEC) == 0);
  const uint64_t to_pipe = station.Send(ends[1], file.fd(), 0, kMany);
  CHECK(close(ends[1]) == 0);
  CHECK(ReadPattern(ends[0], 0) == kMany);
  CHECK(close(ends[0]) == 0);
  CHECK(station.Await(to_pipe).ending == Ending::kComplete);

  const PatternFile target(0);
  const uint64_t to_file = station.Send(target.fd(), file.fd(), 0, kMany);
  CHECK(station.Await(to_file).sent == kMany);
  CHECK(lseek(target.fd(), 0, SEEK_SET) == 0);
  CHECK(ReadPattern(target.fd(), 0) == kMany);
  CHECK(fcntl(target.fd(), F_SETFL, O_APPEND) == 0);  // which sendfile(2) refuses
  const uint64_t appended = station.Send(target.fd(), file.fd(), 0, 1000);
  CHECK(station.Await(appended).sent == 1000);
}

TEST(PumpSendsMemoryAndLetsGoOfIt) {
  std::shared_ptr<uint8_t> memory(new uint8_t[kMany], [](const uint8_t* bytes) { delete[] bytes; });
  for (uint64_t i = 0; i < kMany; i++) memory.get()[i] = PatternAt(i);
  Station station;
  Pair pair;
  Source source;
  source.memory = {memory, memory.get() + 5};
  const auto id = station.pump().Start(pair.out, std::move(source), kMany - 5);
  CHECK(id.ok());
  CHECK(memory.use_count() == 2);
  pair.CloseOut();
  CHECK(ReadPattern(pair.in, 5) == kMany - 5);
  CHECK(station.Await(id.value()).ending == Ending::kComplete);
  CHECK(memory.use_count() == 1);
}

TEST(PumpSaysExactlyHowMuchWasSentWhenCancelled) {
  const PatternFile file(kMany);
  Station station;
  for (int i = 0; i < 200; i++) {
    Pair pair;
    const uint64_t id = station.Send(pair.out, file.fd(), 0, kMany);
    pair.CloseOut();
    std::thread reader;
    uint64_t got = 0;
    if (i % 2 == 0) reader = std::thread([&] { got = ReadPattern(pair.in, 0); });
    if (i % 3 == 0) (void)usleep(static_cast<useconds_t>(i * 5));
    station.pump().Cancel(id);
    const Outcome outcome = station.Await(id);
    station.pump().Cancel(id);  // too late, and quiet
    if (reader.joinable()) {
      reader.join();
    } else {
      got = ReadPattern(pair.in, 0);
    }
    CHECK(outcome.sent == got);
    CHECK(outcome.ending == (got == kMany ? Ending::kComplete : Ending::kCancelled));
  }
}

TEST(PumpTellsWhyATransferFailed) {
  const PatternFile file(kMany);
  Station station;
  Pair gone;
  gone.CloseIn();
  const Outcome broken = station.Await(station.Send(gone.out, file.fd(), 0, kMany));
  CHECK(broken.ending == Ending::kFailed);
  CHECK(broken.error.number == EPIPE);
  CHECK(broken.sent == 0);

  Pair pair;
  const uint64_t id = station.Send(pair.out, file.fd(), kMany - 10, 11);
  const Outcome early = station.Await(id);
  CHECK(early.ending == Ending::kShort);
  CHECK(early.sent == 10);

  const auto closed = station.pump().Start(1 << 20, Source(), 1);
  CHECK(!closed.ok());
  CHECK(closed.error().number == EBADF);
}

TEST(PumpEndsWithTransfersUnderWay) {
  const PatternFile file(kMany);
  const int next = fixture::NextDescriptor();
  for (int i = 0; i < 30; i++) {
    Pair pairs[10];
    Station station;
    for (Pair& pair : pairs) (void)station.Send(pair.out, file.fd(), 0, kMany);
    const PatternFile target(0);
    (void)station.Send(target.fd(), file.fd(), 0, kMany);
    if (i % 2 == 0) (void)usleep(static_cast<useconds_t>(i * 50));
    station.End();
  }
  CHECK(fixture::NextDescriptor() == next);
}

TEST(PumpIsAskedForProgressWhileItSends) {
  const PatternFile file(kMany);
  Station station;
  Pair pair;
  const uint64_t id = station.Send(pair.out, file.fd(), 0, kMany);
  uint64_t seen = 0;
  while (seen == 0) seen = station.pump().ProgressOf(id).sent;
  CHECK(seen < kMany);
  station.pump().Cancel(id);
  CHECK(station.Await(id).sent >= seen);
  CHECK(station.pump().ProgressOf(id).sent == 0);
}

// Letting go of the memory is part of a job's end, and may take its time; whoever asks meanwhile asks as this does.
TEST(PumpKeepsTheProgressOfAJobUntilItsOutcomeIsTaken) {
  for (const bool cancelled : {false, true}) {
    std::vector<uint8_t> bytes(kMany);
    for (uint64_t i = 0; i < kMany; i++) bytes[i] = PatternAt(i);
    std::atomic<uint64_t> id{0};
    std::atomic<uint64_t> at_end{0};
    Station station;
    Pair pair;
    Source source;
    source.memory.reset(bytes.data(), [&](const uint8_t*) { at_end = station.pump().ProgressOf(id).sent; });
    id = station.pump().Start(pair.out, std::move(source), kMany).value();
    uint64_t seen = 0;
    while (seen == 0) seen = station.pump().ProgressOf(id).sent;
    std::thread reader;
    if (cancelled) {
      station.pump().Cancel(id);
    } else {
      pair.CloseOut();
      reader = std::thread([&] { CHECK(ReadPattern(pair.in, 0) == kMany); });
    }
    const Outcome outcome = station.Await(id);
    CHECK(outcome.ending == (cancelled ? Ending::kCancelled : Ending::kComplete));
    CHECK(at_end == outcome.sent && at_end >= seen);
    if (reader.joinable()) reader.join();
  }
}

TEST(SendFileMovesThePositionOnlyWithoutAnOffset) {
  const PatternFile file(1000);
  const PatternFile target(0);
  CHECK(lseek(file.fd(), 100, SEEK_SET) == 100);
  const uint64_t offset = 990;
  const auto at = zerocopy::os::SendFile(target.fd(), file.fd(), &offset, 100);
  CHECK(at.ok() && at.value() == 10);
  CHECK(lseek(file.fd(), 0, SEEK_CUR) == 100);
  const auto from = zerocopy::os::SendFile(target.fd(), file.fd(), nullptr, 50);
  CHECK(from.ok() && from.value() == 50);
  CHECK(lseek(file.fd(), 0, SEEK_CUR) == 150);
}

TEST(WhatWasJustWrittenIsCached) {
  const PatternFile file(3'000'000);
  CHECK(zerocopy::os::IsCached(file.fd(), 0, 1 << 20));
  CHECK(zerocopy::os::IsCached(file.fd(), 0, 0));
  CHECK(!zerocopy::os::IsCached(file.fd(), 2'999'999, 2));  // past the end
  const int memory = memfd_create("zerocopy", MFD_CLOEXEC);
  CHECK(write(memory, "x", 1) == 1);
  CHECK(zerocopy::os::IsCached(memory, 0, 1));
  CHECK(close(memory) == 0);
  CHECK(fsync(file.fd()) == 0);
  CHECK(posix_fadvise(file.fd(), 0, 0, POSIX_FADV_DONTNEED) == 0);
  CHECK(!zerocopy::os::IsCached(file.fd(), 0, 1 << 20));
}
