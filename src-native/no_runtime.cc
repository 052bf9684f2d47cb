// What the C++ standard library would bring, for a binary that links libc alone: then the addon loads wherever
// Node itself does, whatever the age of the system's libstdc++. Nothing here is exported (exports.map).
// Exceptions are off: what would throw ends the process with a word about why.
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <new>

namespace {

[[noreturn]] void Fail(const char* what) {
  std::fprintf(stderr, "zerocopy: %s\n", what);
  std::abort();
}

void* AllocateOrFail(std::size_t size) {
  void* memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) Fail("out of memory");
  return memory;
}

}  // namespace

void* operator new(std::size_t size) { return AllocateOrFail(size); }
void* operator new[](std::size_t size) { return AllocateOrFail(size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return std::malloc(size == 0 ? 1 : size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

// NOLINTBEGIN(bugprone-reserved-identifier): the names are the library's
extern "C" void __cxa_pure_virtual() { Fail("a pure virtual function was called"); }

#ifdef __GLIBCXX__
namespace std {
void __throw_bad_alloc() { Fail("out of memory"); }
void __throw_bad_array_new_length() { Fail("array too long"); }
void __throw_length_error(const char* what) { Fail(what); }
void __throw_logic_error(const char* what) { Fail(what); }
void __throw_bad_function_call() { Fail("an empty function was called"); }
void __throw_system_error(int) { Fail("a lock could not be taken"); }
#ifdef _GLIBCXX_ASSERTIONS
void __glibcxx_assert_fail(const char* file, int line, const char* function, const char* condition) noexcept {
  std::fprintf(stderr, "%s:%d: %s: ", file == nullptr ? "?" : file, line, function == nullptr ? "?" : function);
  Fail(condition == nullptr ? "assertion failed" : condition);
}
#endif
}  // namespace std
#endif
// NOLINTEND(bugprone-reserved-identifier)
