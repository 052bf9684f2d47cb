// What glibc's libstdc++ asks of its libc, for running Bun for musl beside it (scripts/check-runtimes.mjs): there is no
// libstdc++ for musl to be had from npm or Debian. Enough for tests, not for production.
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <sys/random.h>
uint32_t arc4random(void) { uint32_t r = 0; getrandom(&r, sizeof r, 0); return r; }
size_t __strftime_l(char* s, size_t n, const char* f, const struct tm* t, void* l) { (void)l; return strftime(s, n, f, t); }
int __cxa_thread_atexit_impl(void (*f)(void*), void* o, void* d) { (void)f; (void)o; (void)d; return 0; }
char __libc_single_threaded = 0;
int _dl_find_object(void* p, void* r) { (void)p; (void)r; return -1; }
int __cpu_indicator_init(void) { return 0; }
struct { unsigned a, b, c, d[1]; } __cpu_model;
