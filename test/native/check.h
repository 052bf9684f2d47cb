// A test harness of one header: TEST(name) { … } registers itself, CHECK(condition) counts and goes on, and
// main.cc runs what has the words of its arguments in its name. Prints each failure, then the totals.
#ifndef ZEROCOPY_TEST_NATIVE_CHECK_H_
#define ZEROCOPY_TEST_NATIVE_CHECK_H_

#include <atomic>

namespace check {

using Body = void (*)();

struct Test {
  const char* name;
  Body body;
  Test* next;
};

// Newest first; main.cc runs them in the order of this list.
inline Test* tests = nullptr;
inline std::atomic<int> failures{0};  // of the running test, from any thread

class Registration {
 public:
  Registration(const char* name, Body body) : test_{name, body, tests} { tests = &test_; }

 private:
  Test test_;
};

void Fail(const char* file, int line, const char* what);

}  // namespace check

#define TEST(name)                                                 \
  static void name();                                              \
  static const check::Registration registered_##name(#name, name); \
  static void name()

#define CHECK(condition) ((condition) ? void() : check::Fail(__FILE__, __LINE__, #condition))

#endif  // ZEROCOPY_TEST_NATIVE_CHECK_H_
