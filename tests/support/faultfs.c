/* A disk that fails on demand, for tests: an LD_PRELOAD library that makes file operations under one directory fail.
 *
 *   FAULTFS_DIR      absolute directory whose files are affected; everything else passes
 *   FAULTFS_CONTROL  file of FAULTFS_CONTROL_BYTES bytes that says how, in words separated by spaces. It is mapped, so
 *                    a change takes effect with the next call and an idle shim costs one memcmp. Write it in place:
 *                    a file that was cut short while mapped kills the process with SIGBUS.
 *
 * Words:
 *   enospc           what needs space fails with ENOSPC: write, pwrite, writev, pwritev, fallocate, posix_fallocate,
 *                    a growing ftruncate
 *   enospc-create    creating a name fails with ENOSPC: open(O_CREAT) of a new file, mkdir, rename, link
 *   enospc-rename    rename fails with ENOSPC, all else passes
 *   budget=N         the next N bytes still fit; the write that crosses the line is cut short there, then as enospc
 *   eio-write        the writing calls fail with EIO
 *   eio-fsync        fsync, fdatasync, sync_file_range, msync fail with EIO
 *   full             statvfs and statfs report a disk without free blocks
 *   off (or nothing) all pass
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { FAULTFS_CONTROL_BYTES = 256 };
enum { ENOSPC_GROW = 1, ENOSPC_CREATE = 2, EIO_WRITE = 4, EIO_FSYNC = 8, FULL = 16, BUDGET = 32, ENOSPC_RENAME = 64 };

static char root[PATH_MAX];
static size_t root_size;
static const char *control;
static char seen[FAULTFS_CONTROL_BYTES];
static pthread_mutex_t reading = PTHREAD_MUTEX_INITIALIZER;
static atomic_int mode;
static atomic_long budget;

static void *real_function(const char *name) {
  void *found = dlsym(RTLD_NEXT, name);
  if (!found) abort();
  return found;
}
#define REAL(name)                                             \
  ({                                                           \
    static __typeof__(&name) real;                             \
    if (!real) real = (__typeof__(&name))real_function(#name); \
    real;                                                      \
  })

static void parse(const char *text) {
  char words[FAULTFS_CONTROL_BYTES + 1], *rest = NULL;
  int next = 0;
  memcpy(words, text, FAULTFS_CONTROL_BYTES);
  words[FAULTFS_CONTROL_BYTES] = 0;
  for (char *word = strtok_r(words, " \n", &rest); word; word = strtok_r(NULL, " \n", &rest)) {
    if (!strcmp(word, "enospc")) next |= ENOSPC_GROW;
    else if (!strcmp(word, "enospc-create")) next |= ENOSPC_CREATE;
    else if (!strcmp(word, "enospc-rename")) next |= ENOSPC_RENAME;
    else if (!strcmp(word, "eio-write")) next |= EIO_WRITE;
    else if (!strcmp(word, "eio-fsync")) next |= EIO_FSYNC;
    else if (!strcmp(word, "full")) next |= FULL;
    else if (!strncmp(word, "budget=", 7)) {
      next |= BUDGET;
      budget = atol(word + 7);
    }
  }
  mode = next;
}

__attribute__((constructor)) static void begin(void) {
  const char *directory = getenv("FAULTFS_DIR"), *path = getenv("FAULTFS_CONTROL");
  if (!directory || !path || !realpath(directory, root)) return;
  root_size = strlen(root);
  const int fd = REAL(open)(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  void *at = mmap(NULL, FAULTFS_CONTROL_BYTES, PROT_READ, MAP_SHARED, fd, 0);
  close(fd);
  if (at != MAP_FAILED) control = at;
}

/* The faults in force now. */
static int faults(void) {
  if (!control) return 0;
  if (memcmp(control, seen, sizeof seen) != 0) {
    pthread_mutex_lock(&reading);
    char now[FAULTFS_CONTROL_BYTES];
    memcpy(now, control, sizeof now);
    if (memcmp(now, seen, sizeof seen) != 0) {
      memcpy(seen, now, sizeof seen);
      parse(now);
    }
    pthread_mutex_unlock(&reading);
  }
  return mode;
}

static int inside(const char *path) {
  return !strncmp(path, root, root_size) && (path[root_size] == '/' || path[root_size] == 0);
}

static int fd_inside(int fd) {
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t size = readlink(link, path, sizeof path - 1);
  if (size <= 0) return 0;
  path[size] = 0;
  return inside(path);
}

/* A path that may not exist yet: its directory counts. */
static int name_inside(int at, const char *path) {
  char text[PATH_MAX], real[PATH_MAX];
  if (path[0] != '/') {
    if (at != AT_FDCWD) return fd_inside(at);
    if (!getcwd(real, sizeof real)) return 0;
    if (snprintf(text, sizeof text, "%s/%s", real, path) >= (int)sizeof text) return 0;
  } else if (snprintf(text, sizeof text, "%s", path) >= (int)sizeof text) {
    return 0;
  }
  char *slash = strrchr(text, '/');
  *(slash == text ? slash + 1 : slash) = 0;
  return realpath(text, real) && inside(real);
}

static int path_inside(const char *path) {
  char real[PATH_MAX];
  return realpath(path, real) && inside(real);
}

static int fail(int error) {
  errno = error;
  return -1;
}

/* What a write of `size` bytes may do: `size` (go on), fewer bytes (cut short), or -1 with errno. */
static ssize_t allowed(int fd, size_t size) {
  const int now = faults();
  if (!(now & (ENOSPC_GROW | EIO_WRITE | BUDGET)) || size == 0 || !fd_inside(fd)) return (ssize_t)size;
  if (now & EIO_WRITE) return fail(EIO);
  if (now & ENOSPC_GROW) return fail(ENOSPC);
  long left = budget;
  for (;;) {
    if (left <= 0) return fail(ENOSPC);
    const long taken = left < (long)size ? left : (long)size;
    if (atomic_compare_exchange_weak(&budget, &left, left - taken)) return taken;
  }
}

static ssize_t allowed_vector(int fd, const struct iovec *parts, int count) {
  size_t size = 0;
  for (int i = 0; i < count; ++i) size += parts[i].iov_len;
  const ssize_t fits = allowed(fd, size);
  /* A vectored write is not cut: what does not fit as a whole does not fit. */
  return fits >= 0 && (size_t)fits < size ? fail(ENOSPC) : fits;
}

static int may_grow(int fd) {
  const int now = faults();
  if (!(now & (ENOSPC_GROW | EIO_WRITE | BUDGET)) || !fd_inside(fd)) return 1;
  if (!(now & (ENOSPC_GROW | EIO_WRITE)) && budget > 0) return 1;
  errno = now & EIO_WRITE ? EIO : ENOSPC;
  return 0;
}

static int may_sync(int fd) {
  if (!(faults() & EIO_FSYNC) || !fd_inside(fd)) return 1;
  errno = EIO;
  return 0;
}

static int may_create(int at, const char *path) {
  if (!(faults() & ENOSPC_CREATE) || !name_inside(at, path)) return 1;
  errno = ENOSPC;
  return 0;
}

ssize_t write(int fd, const void *bytes, size_t size) {
  const ssize_t fits = allowed(fd, size);
  return fits < 0 ? fits : REAL(write)(fd, bytes, (size_t)fits);
}
ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at) {
  const ssize_t fits = allowed(fd, size);
  return fits < 0 ? fits : REAL(pwrite)(fd, bytes, (size_t)fits, at);
}
ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t at) {
  const ssize_t fits = allowed(fd, size);
  return fits < 0 ? fits : REAL(pwrite64)(fd, bytes, (size_t)fits, at);
}
ssize_t writev(int fd, const struct iovec *parts, int count) {
  return allowed_vector(fd, parts, count) < 0 ? -1 : REAL(writev)(fd, parts, count);
}
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) {
  return allowed_vector(fd, parts, count) < 0 ? -1 : REAL(pwritev)(fd, parts, count, at);
}

int fallocate(int fd, int how, off_t at, off_t size) { return may_grow(fd) ? REAL(fallocate)(fd, how, at, size) : -1; }
int fallocate64(int fd, int how, off64_t at, off64_t size) {
  return may_grow(fd) ? REAL(fallocate64)(fd, how, at, size) : -1;
}
int posix_fallocate(int fd, off_t at, off_t size) {
  return may_grow(fd) ? REAL(posix_fallocate)(fd, at, size) : errno;
}
int posix_fallocate64(int fd, off64_t at, off64_t size) {
  return may_grow(fd) ? REAL(posix_fallocate64)(fd, at, size) : errno;
}

static int may_resize(int fd, off_t size) {
  struct stat now;
  return !faults() || fstat(fd, &now) != 0 || size <= now.st_size || may_grow(fd);
}
int ftruncate(int fd, off_t size) { return may_resize(fd, size) ? REAL(ftruncate)(fd, size) : -1; }
int ftruncate64(int fd, off64_t size) { return may_resize(fd, size) ? REAL(ftruncate64)(fd, size) : -1; }

int fsync(int fd) { return may_sync(fd) ? REAL(fsync)(fd) : -1; }
int fdatasync(int fd) { return may_sync(fd) ? REAL(fdatasync)(fd) : -1; }
int sync_file_range(int fd, off64_t at, off64_t size, unsigned flags) {
  /* Without flags it writes nothing, so no disk can fail it; RocksDB asks in this way whether the call exists. */
  return flags == 0 || may_sync(fd) ? REAL(sync_file_range)(fd, at, size, flags) : -1;
}
int msync(void *at, size_t size, int flags) {
  /* A mapping's file is not known here; nothing outside the directory is synced this way by a node. */
  return faults() & EIO_FSYNC ? fail(EIO) : REAL(msync)(at, size, flags);
}

static int may_open(int at, const char *path, int flags) {
  struct stat there;
  return !(flags & O_CREAT) || !faults() || fstatat(at, path, &there, 0) == 0 || may_create(at, path);
}
#define MODE_OF(flags)                          \
  mode_t permissions = 0;                       \
  if ((flags) & (O_CREAT | __O_TMPFILE)) {      \
    va_list rest;                               \
    va_start(rest, flags);                      \
    permissions = va_arg(rest, mode_t);         \
    va_end(rest);                               \
  }
int open(const char *path, int flags, ...) {
  MODE_OF(flags)
  return may_open(AT_FDCWD, path, flags) ? REAL(open)(path, flags, permissions) : -1;
}
int open64(const char *path, int flags, ...) {
  MODE_OF(flags)
  return may_open(AT_FDCWD, path, flags) ? REAL(open64)(path, flags, permissions) : -1;
}
int openat(int at, const char *path, int flags, ...) {
  MODE_OF(flags)
  return may_open(at, path, flags) ? REAL(openat)(at, path, flags, permissions) : -1;
}
int openat64(int at, const char *path, int flags, ...) {
  MODE_OF(flags)
  return may_open(at, path, flags) ? REAL(openat64)(at, path, flags, permissions) : -1;
}

int mkdir(const char *path, mode_t permissions) {
  return may_create(AT_FDCWD, path) ? REAL(mkdir)(path, permissions) : -1;
}
int rename(const char *from, const char *to) {
  if ((faults() & ENOSPC_RENAME) && name_inside(AT_FDCWD, to)) return fail(ENOSPC);
  return may_create(AT_FDCWD, to) ? REAL(rename)(from, to) : -1;
}
int link(const char *from, const char *to) { return may_create(AT_FDCWD, to) ? REAL(link)(from, to) : -1; }

#define REPORT_FULL(about)                                             \
  if ((about)->f_blocks > 0) (about)->f_bfree = (about)->f_bavail = 0;

int statvfs(const char *path, struct statvfs *about) {
  const int done = REAL(statvfs)(path, about);
  if (done == 0 && (faults() & FULL) && path_inside(path)) { REPORT_FULL(about) }
  return done;
}
int statvfs64(const char *path, struct statvfs64 *about) {
  const int done = REAL(statvfs64)(path, about);
  if (done == 0 && (faults() & FULL) && path_inside(path)) { REPORT_FULL(about) }
  return done;
}
int fstatvfs(int fd, struct statvfs *about) {
  const int done = REAL(fstatvfs)(fd, about);
  if (done == 0 && (faults() & FULL) && fd_inside(fd)) { REPORT_FULL(about) }
  return done;
}
int statfs(const char *path, struct statfs *about) {
  const int done = REAL(statfs)(path, about);
  if (done == 0 && (faults() & FULL) && path_inside(path)) { REPORT_FULL(about) }
  return done;
}
