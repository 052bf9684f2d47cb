#include <cstdio>
#include <cstring>

#include "check.h"

namespace check {

void Fail(const char* file, int line, const char* what) {
  failures++;
  std::fprintf(stderr, "%s:%d: CHECK(%s) failed\n", file, line, what);
}

}  // namespace check

namespace {

bool IsWanted(const char* name, int count, char** words) {
  for (int i = 1; i < count; i++) {
    if (std::strstr(name, words[i]) != nullptr) return true;
  }
  return count < 2;
}

}  // namespace

int main(int count, char** words) {
  int passed = 0;
  int failed = 0;
  for (const check::Test* test = check::tests; test != nullptr; test = test->next) {
    if (!IsWanted(test->name, count, words)) continue;
    check::failures = 0;
    test->body();
    const bool ok = check::failures == 0;
    (ok ? passed : failed)++;
    if (!ok) std::fprintf(stderr, "FAILED %s\n", test->name);
  }
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 && passed > 0 ? 0 : 1;  // running nothing is a failure
}
