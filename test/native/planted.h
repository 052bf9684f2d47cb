// Faults for the controls of scripts/sanitize.sh, which builds an addon that calls Planted(): each sanitizer must
// notice the one that ZEROCOPY_PLANTED names.
#ifndef ZEROCOPY_TEST_NATIVE_PLANTED_H_
#define ZEROCOPY_TEST_NATIVE_PLANTED_H_

#include <pthread.h>

#include <cstdlib>
#include <cstring>

namespace planted {

inline void Overflow() {
  volatile size_t length = 10;  // known to nobody but AddressSanitizer: UBSan would be quicker
  auto* bytes = new volatile char[length];
  bytes[length] = 1;
  delete[] bytes;
}

inline void Leak() {
  for (int i = 0; i < 100; i++) {
    volatile char* lost = new char[1000];
    lost[0] = 1;
  }
}

inline void Cast() {
  volatile double too_large = 3e12;
  volatile int length = static_cast<int>(too_large);
  (void)length;
}

inline int raced = 0;

inline void* Count(void*) {
  for (int i = 0; i < 10000; i++) *const_cast<volatile int*>(&raced) = raced + 1;
  return nullptr;
}

inline void Race() {
  pthread_t threads[2];
  for (pthread_t& thread : threads) (void)pthread_create(&thread, nullptr, Count, nullptr);
  for (const pthread_t thread : threads) (void)pthread_join(thread, nullptr);
}

}  // namespace planted

inline void Planted() {
  const char* kind = std::getenv("ZEROCOPY_PLANTED");
  if (kind == nullptr) return;
  if (std::strcmp(kind, "overflow") == 0) planted::Overflow();
  if (std::strcmp(kind, "leak") == 0) planted::Leak();
  if (std::strcmp(kind, "cast") == 0) planted::Cast();
  if (std::strcmp(kind, "race") == 0) planted::Race();
}

#endif  // ZEROCOPY_TEST_NATIVE_PLANTED_H_
