// Pages: mapped memory that is unmapped exactly once, by its destructor. One or more Regions (region.h) have
// a claim on it, each in an environment of its own.
//
// A page that cannot be read, because the file was cut or its disk fails, is SIGBUS. The fault handler then puts
// zeros in its place, writes down how many pages were lost and where the first lay, and the program goes on.
//
//     what the file is now        what was mapped
//     0              size         |<---------- length ---------->|
//     |===============|           |===============|00000000000000|   a fault past the end replaces all of the tail
//                                 |=====|0|======================|   any other fault replaces one page; once
//                                 |=====|0|=====|0|00000000000000|   1,024 are lost, all from there on
//
// Memory that somebody may look at unnoticed (retired) is never unmapped: its address range is kept, with zeros.
#ifndef ZEROCOPY_REGION_PAGES_H_
#define ZEROCOPY_REGION_PAGES_H_

#include <atomic>
#include <cstdint>
#include <memory>

#include "os/descriptor.h"
#include "os/file.h"
#include "os/memory_map.h"
#include "os/page.h"
#include "os/result.h"
#include "region/fault_table.h"

namespace zerocopy::region {

// Goes up with every fault that any Pages had. JavaScript reads it where it lies.
extern std::atomic<uint32_t> fault_epoch;

struct MapOptions {
  bool keep_descriptor = false;  // a duplicate, which is kept anyhow while descriptors are plenty
  bool populate = false;         // what can be read of the pages is in memory at once
};

class Pages {
 public:
  // Maps `range` bytes of an open file; any offset will do. An empty range maps nothing. The descriptor stays the
  // caller's.
  static os::Result<std::shared_ptr<Pages>> MapFile(int descriptor, os::ByteRange range, os::Access access,
                                                    MapOptions options = {});

  // Other Pages over the same file, from the same offset on, `length` bytes: they share its kept descriptor. The file
  // need not be that long. EBADF when no descriptor was asked for.
  os::Result<std::shared_ptr<Pages>> MapAgain(uint64_t length) const;

  // Makes sure that faults in any Pages come to us; done at every mapping.
  static void InstallFaultHandler();

  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;
  ~Pages();

  // The first byte asked for, not that of its page; nullptr when the range was empty.
  uint8_t* data() const { return data_; }
  uint64_t length() const { return length_; }
  // The descriptor that was asked for (MapOptions), else -1.
  int descriptor() const { return shown_descriptor_; }

  // How long the file is now; EBADF when no descriptor of it is kept.
  os::Result<uint64_t> FileSize() const;

  // A descriptor of the file, where what it holds is what this memory shows; else -1. Shared pages always show it,
  // private ones that only views read until somebody is given raw memory, which can be written to.
  int file_behind() const;
  // From now on somebody may write to the memory without asking.
  void Expose() { exposed_ = true; }

  // The file that was mapped, whatever it is called now.
  const os::FileIdentity& file() const { return file_; }
  os::Access access() const { return access_; }
  uint64_t file_offset() const { return file_offset_; }

  // From now on unmapping only puts zeros there: somebody may still look, in a way that nobody can count.
  void Retire() { retired_ = true; }
  // Puts zeros there now: the memory costs no map of its own until it is unmapped. Nobody looks any more.
  void Park();

  // Pages lost to faults, and where in the data the first began, bytes.
  uint64_t faults() const { return faults_.load(); }
  uint64_t fault_offset() const { return fault_offset_.load(); }

  // In the signal handler: puts zeros where `address`, inside these pages, could not be read. False if it cannot.
  bool ReplaceFaulted(uint64_t address);

  // The whole pages around a range of the data, addresses; length 0 when there are none.
  os::ByteRange PagesOf(os::ByteRange range) const;

 private:
  using SharedDescriptor = std::shared_ptr<const os::Descriptor>;  // of Pages that were mapped again from others

  static os::Result<std::shared_ptr<Pages>> Map(int descriptor, os::ByteRange range, os::Access access,
                                                MapOptions options, SharedDescriptor own);
  Pages(os::ByteRange pages, os::PageSpan span, os::ByteRange range, os::Access access, os::FileIdentity file,
        SharedDescriptor descriptor, bool show_descriptor);

  // Where the memory past the end of the file begins, an address.
  uint64_t TailStart() const;

  const os::ByteRange pages_;         // addresses
  const uint64_t pages_file_offset_;  // of the first page
  const uint64_t file_offset_;        // of the first byte of data
  uint8_t* const data_;
  const uint64_t length_;
  const os::Access access_;
  const os::FileIdentity file_;
  const SharedDescriptor descriptor_;
  const int shown_descriptor_;
  uint32_t fault_slot_ = kNoSlot;
  std::atomic<bool> exposed_{false};
  std::atomic<bool> retired_{false};
  std::atomic<bool> parked_{false};
  std::atomic<uint64_t> faults_{0};
  std::atomic<uint64_t> fault_offset_{UINT64_MAX};
};

}  // namespace zerocopy::region

#endif  // ZEROCOPY_REGION_PAGES_H_
