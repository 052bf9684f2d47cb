#include <errno.h>
#include <unistd.h>

#include "os/copy_file.h"
#include "os/send_file.h"

namespace zerocopy::os {
namespace {

Result<uint64_t> Seek(Place to, int whence) {
  const off_t position = lseek(to.file, static_cast<off_t>(to.offset), whence);
  const int error = errno;
  if (position < 0) return OsError{error, "lseek"};
  return static_cast<uint64_t>(position);
}

}  // namespace

Result<uint64_t> NextData(Place from) { return Seek(from, SEEK_DATA); }

Result<uint64_t> NextHole(Place from) { return Seek(from, SEEK_HOLE); }

Result<size_t> SendRange(Place from, Place to, size_t count) {
  const auto moved = Seek(to, SEEK_SET);
  if (!moved.ok()) return moved.error();
  return SendFile(to.file, from.file, &from.offset, count);
}

}  // namespace zerocopy::os
