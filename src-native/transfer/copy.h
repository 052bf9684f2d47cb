// A Copy moves bytes from a file, or from memory, into a file, a *turn* at a time.
//
// - It owns its descriptors, and a reference to the memory it reads, from its making to its end.
// - One thread at a time calls Turn(), whichever; each call does a bounded piece of work, so a caller may stop between
//   any two: `copied` says exactly how many bytes of the target are right, from its offset on.
// - It goes the best *way* that the two files allow, and never back to a better one:
//
//     clone (all at once, no bytes move)  >  copy_file_range  >  sendfile  >  read and write
//
//   A way that moves nothing, because the system says that it cannot or that the file ends here, gives way to the next;
//   only the last one's word counts.
// - Holes are found in the source and left out of the target: beyond the target's old end by not writing, before it by
//   punching them. Where that cannot be, zeros are written.
#ifndef ZEROCOPY_TRANSFER_COPY_H_
#define ZEROCOPY_TRANSFER_COPY_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "os/copy_file.h"
#include "os/descriptor.h"
#include "os/result.h"

namespace zerocopy::transfer {

constexpr size_t kCopyTurn = size_t{8} * 1024 * 1024;  // bytes moved in one turn; holes cost nothing
constexpr int kCopySteps = 256;                        // pieces between holes in one turn

// A file of a copy. `may_seek`: nobody else sees its position.
struct CopyFile {
  os::Descriptor file;
  uint64_t offset = 0;
  bool may_seek = false;
};

// What is read: memory if there is any, else the file.
struct CopySource : CopyFile {
  std::shared_ptr<const uint8_t> memory;
};

// `replaces`: what was in it goes before the first byte comes.
struct CopyTarget : CopyFile {
  bool replaces = false;
};

enum class CopyState : uint8_t { kMore = 0, kComplete = 1, kFailed = 2, kShort = 3 };  // COPY_STATES in lib

struct CopyProgress {
  CopyState state = CopyState::kMore;
  uint64_t copied = 0;  // bytes, from the beginning of the copy
  os::OsError error;    // of kFailed
};

class Copy {
 public:
  Copy(CopySource source, CopyTarget target, uint64_t length);

  // Any state but kMore is the last one. kShort: the source ended before `length` bytes.
  CopyProgress Turn();

 private:
  enum class Way : uint8_t { kClone, kCopyRange, kSendFile, kReadAndWrite };  // kClone: nothing was tried yet
  // Of those that move bytes.
  static Way NextWay(Way way) { return way == Way::kCopyRange ? Way::kSendFile : Way::kReadAndWrite; }
  struct Segment {
    uint64_t end = 0;  // from the beginning of the copy
    bool is_hole = false;
  };

  os::Status Begin();
  CopyProgress TakeSteps();
  os::Result<uint64_t> Step();
  os::Result<Segment> FindSegment();
  os::Result<uint64_t> SkipHole(uint64_t count);
  os::Result<uint64_t> CopyBytes(size_t count);
  os::Result<size_t> Move(size_t count);
  os::Result<size_t> ReadAndWrite(size_t count);
  os::Status CoverHole();
  os::Place From() const { return {source_.file.get(), source_.offset + copied_}; }
  os::Place To() const { return {target_.file.get(), target_.offset + copied_}; }

  CopySource source_;
  CopyTarget target_;
  const uint64_t length_;
  Way way_ = Way::kClone;
  bool knows_holes_ = false;
  uint64_t old_end_ = 0;  // of the target, bytes: beyond it there is nothing that a hole must cover
  uint64_t copied_ = 0;
  size_t budget_ = 0;  // bytes that may still move in this turn
  Segment segment_;    // what lies at copied_
  std::unique_ptr<uint8_t[]> buffer_;
};

}  // namespace zerocopy::transfer

#endif  // ZEROCOPY_TRANSFER_COPY_H_
