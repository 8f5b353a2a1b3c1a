/* Loaded before the C library (LD_PRELOAD): counts every step that a program takes to change the files below one
 * directory, in all its threads, and has one of them go wrong. strace counts for each thread alone, so that "the 20th
 * step of this program" cannot be said to it.
 *
 *   STEPS_ROOT  the directory
 *   STEPS_LOG   where each step is written down, one line a step, before it is taken
 *   STEPS_AT    the number of the step that goes wrong, from 1; none when it is not set
 *   STEPS_DO    what happens there: "kill" (before the step), "tear" (half of a write, then killed), or an errno
 *   STEPS_ON    with an errno: "one" (that step alone) or "all" (that step and all later ones)
 *   STEPS_ONLY  the one kind of step that counts, as it stands in the log; all when it is not set
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static long count;
static pthread_mutex_t counting = PTHREAD_MUTEX_INITIALIZER;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int is_below(const char *path) {
  const char *root = getenv("STEPS_ROOT");
  size_t length = root ? strlen(root) : 0;
  return length && path && !strncmp(path, root, length) && (path[length] == '/' || !path[length]);
}

static const char *path_of(int fd, char *buffer) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, buffer, PATH_MAX - 1);
  buffer[length < 0 ? 0 : length] = 0;
  return buffer;
}

static void note(const char *what, const char *path) {
  const char *log = getenv("STEPS_LOG");
  char line[PATH_MAX + 64];
  int length = snprintf(line, sizeof line, "%s %s\n", what, path);
  int fd = log ? (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : -1;
  if (fd >= 0) {
    syscall(SYS_write, fd, line, length);
    syscall(SYS_close, fd);
  }
}

/* One step. Returns what it is to fail with: 0 nothing, -1 a torn write, else an errno. */
static int step(const char *what, const char *path) {
  const char *only = getenv("STEPS_ONLY");
  if (!is_below(path) || (only && strcmp(only, what))) return 0;
  const char *at = getenv("STEPS_AT"), *verdict = getenv("STEPS_DO"), *on = getenv("STEPS_ON");
  long wanted = at ? atol(at) : 0;
  pthread_mutex_lock(&counting);
  long here = ++count;
  note(what, path);
  pthread_mutex_unlock(&counting);
  if (!wanted || !verdict || here < wanted) return 0;
  if (here > wanted && !(on && !strcmp(on, "all"))) return 0;
  if (!strcmp(verdict, "tear") && !strcmp(what, "write")) return -1;
  if (!strcmp(verdict, "kill") || !strcmp(verdict, "tear")) kill(getpid(), SIGKILL);
  return atoi(verdict);
}

static int refused(int number) {
  errno = number;
  return -1;
}

static int opened(const char *path, int flags, mode_t mode) {
  int number = flags & (O_CREAT | O_TRUNC) ? step("create", path) : 0;
  return number > 0 ? refused(number) : REAL(open64)(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0;
  va_end(more);
  return opened(path, flags, mode);
}

int open(const char *path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0;
  va_end(more);
  return opened(path, flags, mode);
}

ssize_t write(int fd, const void *bytes, size_t length) {
  char buffer[PATH_MAX];
  int number = step("write", path_of(fd, buffer));
  if (!number) return REAL(write)(fd, bytes, length);
  /* A disk that fills up takes what still fits. */
  ssize_t half = length > 1 ? REAL(write)(fd, bytes, length / 2) : 0;
  if (number < 0) kill(getpid(), SIGKILL);
  return half > 0 && number == ENOSPC ? half : refused(number);
}

/* What is one block or less a disk writes whole, or not at all. */
ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t at) {
  char buffer[PATH_MAX];
  int number = step("write", path_of(fd, buffer));
  if (!number) return REAL(pwrite64)(fd, bytes, length, at);
  ssize_t half = length > 512 ? REAL(pwrite64)(fd, bytes, length / 2, at) : 0;
  if (number < 0) kill(getpid(), SIGKILL);
  return half > 0 && number == ENOSPC ? half : refused(number);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) {
  return pwrite64(fd, bytes, length, at);
}

int ftruncate64(int fd, off64_t length) {
  char buffer[PATH_MAX];
  step("truncate", path_of(fd, buffer)); /* So it does when a file is cut. */
  return REAL(ftruncate64)(fd, length);
}

#define ONE_FD(name)                                   \
  int name(int fd) {                                   \
    char buffer[PATH_MAX];                             \
    int number = step(#name, path_of(fd, buffer));     \
    return number > 0 ? refused(number) : REAL(name)(fd); \
  }
ONE_FD(fsync)
ONE_FD(fdatasync)

int flock(int fd, int how) {
  char buffer[PATH_MAX];
  int number = step("flock", path_of(fd, buffer));
  return number > 0 ? refused(number) : REAL(flock)(fd, how);
}

int rename(const char *from, const char *to) {
  int number = step("rename", to);
  return number > 0 ? refused(number) : REAL(rename)(from, to);
}

int mkdir(const char *path, mode_t mode) {
  int number = step("mkdir", path);
  return number > 0 ? refused(number) : REAL(mkdir)(path, mode);
}

int unlink(const char *path) {
  step("unlink", path); /* A disk that takes nothing still gives back. */
  return REAL(unlink)(path);
}
