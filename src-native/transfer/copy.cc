#include "transfer/copy.h"

#include <errno.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "os/file.h"

namespace zerocopy::transfer {
namespace {

constexpr size_t kBuffer = size_t{256} * 1024;

// The system's ways of saying that it cannot copy between these two files like this. EPERM: a sandbox's. EBADF is not
// among them: the descriptors were checked when they were opened.
bool CannotBeDone(int number) {
  switch (number) {
    case EXDEV:
    case EINVAL:
    case ENOSYS:
    case EOPNOTSUPP:
    case EPERM:
    case ENOTSOCK:
    case ESPIPE:
    case ETXTBSY:
      return true;
    default:
      return false;
  }
}

}  // namespace

Copy::Copy(CopySource source, CopyTarget target, uint64_t length)
    : source_(std::move(source)), target_(std::move(target)), length_(length) {}

CopyProgress Copy::Turn() {
  budget_ = kCopyTurn;
  if (way_ == Way::kClone) {
    const os::Status begun = Begin();
    if (!begun.ok()) return {CopyState::kFailed, copied_, begun.error()};
  }
  CopyProgress progress = TakeSteps();
  const os::Status covered = CoverHole();
  if (!covered.ok() && progress.state != CopyState::kFailed) progress = {CopyState::kFailed, copied_, covered.error()};
  return progress;
}

CopyProgress Copy::TakeSteps() {
  for (int step = 0; copied_ < length_ && budget_ > 0 && step < kCopySteps; ++step) {
    const auto passed = Step();
    if (!passed.ok()) return {CopyState::kFailed, copied_, passed.error()};
    if (passed.value() == 0) return {CopyState::kShort, copied_, {}};
    copied_ += passed.value();
  }
  return {copied_ < length_ ? CopyState::kMore : CopyState::kComplete, copied_, {}};
}

os::Status Copy::Begin() {
  if (target_.replaces) {
    const os::Status emptied = os::SetLength(target_.file.get(), 0);
    if (!emptied.ok()) return emptied;
  }
  const auto old_end = os::SizeOf(target_.file.get());
  if (!old_end.ok()) return old_end.error();
  old_end_ = old_end.value();
  knows_holes_ = source_.memory == nullptr && source_.may_seek;
  if (source_.memory != nullptr) {
    way_ = Way::kReadAndWrite;
    return os::Nothing{};
  }
  way_ = Way::kCopyRange;
  // Whatever it fails for, the next way meets it too.
  if (length_ > 0 && os::CloneRange(From(), To(), length_).ok()) copied_ = length_;
  return os::Nothing{};
}

// The number of bytes that are right now; 0 where the source has ended.
os::Result<uint64_t> Copy::Step() {
  if (segment_.end <= copied_) {
    const auto found = FindSegment();
    if (!found.ok()) return found.error();
    segment_ = found.value();
  }
  const uint64_t left = segment_.end - copied_;
  if (left == 0) return uint64_t{0};
  return segment_.is_hole ? SkipHole(left) : CopyBytes(static_cast<size_t>(std::min<uint64_t>(left, budget_)));
}

os::Result<Copy::Segment> Copy::FindSegment() {
  const Segment everything = {length_, false};
  if (!knows_holes_) return everything;
  const uint64_t end = source_.offset + length_;
  const auto data = os::NextData(From());
  if (!data.ok() && data.error().number == ENXIO) {
    // Nothing but a hole from here on, or nothing at all: the file may have been cut.
    const auto size = os::SizeOf(source_.file.get());
    if (!size.ok()) return size.error();
    return Segment{std::max(copied_, std::min(end, size.value()) - source_.offset), true};
  }
  if (data.ok() && data.value() > From().offset) {
    return Segment{std::min(end, data.value()) - source_.offset, true};
  }
  const auto hole = os::NextHole(From());
  if (data.ok() && hole.ok() && hole.value() > From().offset) {
    return Segment{std::min(end, hole.value()) - source_.offset, false};
  }
  knows_holes_ = false;
  return everything;
}

os::Result<uint64_t> Copy::SkipHole(uint64_t count) {
  const os::Place to = To();
  if (to.offset >= old_end_) return count;
  const uint64_t covered = std::min(count, old_end_ - to.offset);
  if (os::PunchHole(to.file, {to.offset, covered}).ok()) return covered;
  const auto written = os::WriteZerosAt(to.file, std::min<uint64_t>(covered, budget_), to.offset);
  if (!written.ok()) return written.error();
  budget_ -= written.value();
  return static_cast<uint64_t>(written.value());
}

os::Result<uint64_t> Copy::CopyBytes(size_t count) {
  for (;;) {
    const auto moved = Move(count);
    const bool is_stuck = moved.ok() ? moved.value() == 0 : CannotBeDone(moved.error().number);
    if (is_stuck && way_ != Way::kReadAndWrite) {
      way_ = NextWay(way_);
      continue;
    }
    if (!moved.ok()) return moved.error();
    budget_ -= moved.value();
    return static_cast<uint64_t>(moved.value());
  }
}

os::Result<size_t> Copy::Move(size_t count) {
  switch (way_) {
    case Way::kCopyRange:
      return os::CopyRange(From(), To(), count);
    case Way::kSendFile:
      // It writes at the target's position, which is no business of ours when somebody else sees it.
      if (!target_.may_seek) return size_t{0};
      return os::SendRange(From(), To(), count);
    default:
      return ReadAndWrite(count);
  }
}

os::Result<size_t> Copy::ReadAndWrite(size_t count) {
  const os::Place to = To();
  if (source_.memory != nullptr) return os::WriteAt(to.file, source_.memory.get() + copied_, count, to.offset);
  if (buffer_ == nullptr) buffer_ = std::make_unique<uint8_t[]>(kBuffer);
  const auto got = os::ReadAt(source_.file.get(), buffer_.get(), std::min(count, kBuffer), From().offset);
  if (!got.ok() || got.value() == 0) return got;
  // A short write is what this step has done; the rest is read again.
  return os::WriteAt(to.file, buffer_.get(), got.value(), to.offset);
}

// A hole that was passed has not made the target longer.
os::Status Copy::CoverHole() {
  if (copied_ == 0) return os::Nothing{};
  const auto size = os::SizeOf(target_.file.get());
  if (!size.ok()) return size.error();
  const uint64_t end = target_.offset + copied_;
  return size.value() < end ? os::SetLength(target_.file.get(), end) : os::Nothing{};
}

}  // namespace zerocopy::transfer
