// search FILE MILLISECONDS (LABEL NEEDLE)…: memchr or memmem of the C library over the mapped file, for about so long
// each, as one line of JSON. No needle may be in the file.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static double milliseconds(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static const void *find(const char *data, size_t size, const char *needle) {
  size_t length = strlen(needle);
  return length == 1 ? memchr(data, needle[0], size) : memmem(data, size, needle, length);
}

int main(int count, char **args) {
  if (count < 5 || count % 2 == 0) return 2;
  int fd = open(args[1], O_RDONLY);
  struct stat facts;
  if (fd < 0 || fstat(fd, &facts) != 0) return 1;
  size_t size = (size_t)facts.st_size;
  const char *data = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (data == MAP_FAILED) return 1;
  double least = atof(args[2]);
  for (int i = 3; i < count; i += 2) {
    if (find(data, size, args[i + 1]) != NULL) return 3;
    int rounds = 0;
    double cpu = milliseconds(CLOCK_PROCESS_CPUTIME_ID), started = milliseconds(CLOCK_MONOTONIC);
    do {
      if (find(data, size, args[i + 1]) != NULL) return 3;
      rounds++;
    } while (milliseconds(CLOCK_MONOTONIC) - started < least);
    cpu = (milliseconds(CLOCK_PROCESS_CPUTIME_ID) - cpu) / rounds;
    printf("%s\"CPU ms per GiB, %s\": %.6f", i == 3 ? "{" : ", ", args[i], cpu / (double)size * 1073741824.0);
  }
  printf("}\n");
  return 0;
}
