// bulk BYTES ROUNDS: what the C library takes for as much memory, best of ROUNDS, as one line of JSON.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static unsigned char *a, *b;
static size_t size;
static volatile size_t result;  // so that nothing is left out

static void equals(void) { result = (size_t)memcmp(a, b, size); }
static void assign(void) {
  memcpy(b, a, size);
  result = b[size / 2];
}
static void fill(void) {
  memset(b, 7, size);
  result = b[size / 2];
}
static void find(void) { result = memchr(a, 9, size) != NULL; }

static double best(void (*work)(void), int rounds) {
  double least = 1e300;
  for (int i = 0; i < rounds; i++) {
    double started = milliseconds();
    work();
    double took = milliseconds() - started;
    if (took < least) least = took;
  }
  return least;
}

int main(int count, char **args) {
  if (count != 3) return 2;
  size = strtoull(args[1], NULL, 10);
  int rounds = atoi(args[2]);
  a = malloc(size);
  b = malloc(size);
  if (a == NULL || b == NULL) return 1;
  memset(a, 7, size);
  memset(b, 7, size);
  printf("{\"ms, equals\": %.9f, \"ms, assign\": %.9f, ", best(equals, rounds), best(assign, rounds));
  printf("\"ms, fill\": %.9f, \"ms, indexOf an absent byte\": %.9f}\n", best(fill, rounds), best(find, rounds));
  return 0;
}
