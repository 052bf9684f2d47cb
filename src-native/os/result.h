// How every function of os/ answers: the value, or the errno and the name of the call that failed.
// The errno is read in the statement after the call, before anything else can change it.
#ifndef ZEROCOPY_OS_RESULT_H_
#define ZEROCOPY_OS_RESULT_H_

#include <utility>

namespace zerocopy::os {

struct OsError {
  int number = 0;            // errno; on Windows the POSIX number that libuv would report
  const char* syscall = "";  // a literal: the name of the call as its man page has it
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}  // NOLINT(google-explicit-constructor)
  Result(OsError error) : error_(error) {}       // NOLINT(google-explicit-constructor)

  bool ok() const { return error_.number == 0; }
  const T& value() const { return value_; }
  T& value() { return value_; }
  const OsError& error() const { return error_; }

 private:
  T value_{};
  OsError error_;
};

struct Nothing {};
using Status = Result<Nothing>;

}  // namespace zerocopy::os

#endif  // ZEROCOPY_OS_RESULT_H_
