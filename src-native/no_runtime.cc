// What the C++ standard library would bring, for a binary that links libc alone: then the addon loads wherever
// Node itself does, whatever the age of the system's libstdc++. Nothing here is exported (exports.map).
// Exceptions are off: what would throw ends the process with a word about why.
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <new>
#include <typeinfo>

namespace {

[[noreturn]] void Fail(const char* what) {
  // No printf: where the C library is linked into the binary, it would be half of it.
  for (const char* part : {"zerocopy: ", what, "\n"}) (void)std::fputs(part, stderr);
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
  (void)line;
  for (const char* part : {file, " ", function, ": "}) (void)std::fputs(part == nullptr ? "?" : part, stderr);
  Fail(condition == nullptr ? "assertion failed" : condition);
}
#endif
}  // namespace std
#endif

// What libc++, with which releases are built for systems other than this one, keeps out of its headers.
#ifdef _LIBCPP_VERSION
_LIBCPP_BEGIN_NAMESPACE_STD
void __libcpp_verbose_abort(const char* format, ...) { Fail(format); }

#ifndef _LIBCPP_HAS_TRIVIAL_MUTEX_DESTRUCTION
mutex::~mutex() noexcept { (void)__libcpp_mutex_destroy(&__m_); }
#endif
void mutex::lock() {
  if (__libcpp_mutex_lock(&__m_) != 0) Fail("a lock could not be taken");
}
void mutex::unlock() noexcept { (void)__libcpp_mutex_unlock(&__m_); }

__shared_count::~__shared_count() {}
__shared_weak_count::~__shared_weak_count() {}
const void* __shared_weak_count::__get_deleter(const type_info&) const noexcept { return nullptr; }
void __shared_weak_count::__release_weak() noexcept {
  // Counted from 0 for one owner.
  if (__atomic_fetch_sub(&__shared_weak_owners_, 1, __ATOMIC_ACQ_REL) == 0) __on_zero_shared_weak();
}
_LIBCPP_END_NAMESPACE_STD
#endif
// NOLINTEND(bugprone-reserved-identifier)
