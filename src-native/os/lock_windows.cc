// std::mutex over the system's own lock, where the C++ library keeps that in its binary part, which is not linked.
#include <windows.h>

#include <mutex>

#ifdef _LIBCPP_HAS_THREAD_API_WIN32
_LIBCPP_BEGIN_NAMESPACE_STD
static_assert(sizeof(__libcpp_mutex_t) == sizeof(SRWLOCK), "one pointer each");

int __libcpp_mutex_lock(__libcpp_mutex_t* mutex) {
  AcquireSRWLockExclusive(reinterpret_cast<PSRWLOCK>(mutex));
  return 0;
}

int __libcpp_mutex_unlock(__libcpp_mutex_t* mutex) {
  ReleaseSRWLockExclusive(reinterpret_cast<PSRWLOCK>(mutex));
  return 0;
}
_LIBCPP_END_NAMESPACE_STD
#endif
