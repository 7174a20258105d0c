// Writes down what the files of a directory would be if the power went now.
//
// Loaded with LD_PRELOAD into a process that knows nothing of it. What happens to files below
// OPTIMYSTIC_POWER_CUT_DIRECTORY is noted in OPTIMYSTIC_POWER_CUT_LOG, one line an event, before or
// right after it happens; both survive SIGKILL in the page cache. Whoever kills the process then
// takes back, by that log, everything that was never synced (PowerCut.swift, which also says what
// this does not show).
//
//   E length path           opened; what it holds now is taken for durable unless it is known
//   C length path           made; durable once its directory is synced
//   S length path           synced up to this length
//   T length path           cut to this length, durably
//   U offset length at path bytes about to be overwritten, kept in the undo file from `at` on
//   D path                  directory synced
//   R saved from TAB to     renamed; `saved` is what was at `to`, or "-"
//   X path                  removed, durably
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define FILES_MAX 4096
#define PATH_BYTES 1024

// What is known of an open file; `path` is empty where it is none of ours.
struct tracked {
  char path[PATH_BYTES];
  int is_directory;
  int syncs_always;
  // Bytes below this may be durable, so they are kept before they are overwritten.
  off_t kept_below;
};

static struct tracked *files[FILES_MAX];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char directory[PATH_BYTES];
static size_t directory_length;
static int log_file = -1;
static int undo_file = -1;
static unsigned saved_count;

static int (*real_open)(const char *, int, ...);
static int (*real_openat)(int, const char *, int, ...);
static int (*real_close)(int);
static int (*real_dup2)(int, int);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_writev)(int, const struct iovec *, int);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_ftruncate)(int, off_t);
static int (*real_rename)(const char *, const char *);
static int (*real_unlink)(const char *);

__attribute__((constructor)) static void begin(void) {
  real_open = dlsym(RTLD_NEXT, "open");
  real_openat = dlsym(RTLD_NEXT, "openat");
  real_close = dlsym(RTLD_NEXT, "close");
  real_dup2 = dlsym(RTLD_NEXT, "dup2");
  real_write = dlsym(RTLD_NEXT, "write");
  real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
  real_writev = dlsym(RTLD_NEXT, "writev");
  real_fsync = dlsym(RTLD_NEXT, "fsync");
  real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
  real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
  real_rename = dlsym(RTLD_NEXT, "rename");
  real_unlink = dlsym(RTLD_NEXT, "unlink");
  const char *watched = getenv("OPTIMYSTIC_POWER_CUT_DIRECTORY");
  const char *log = getenv("OPTIMYSTIC_POWER_CUT_LOG");
  char undo[PATH_BYTES];
  if (!watched || !log || !realpath(watched, directory)) return;
  if (snprintf(undo, sizeof undo, "%s.undo", log) >= (int)sizeof undo) return;
  directory_length = strlen(directory);
  // High numbers: a process may expect the low ones to be its own.
  int low_log = real_open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  int low_undo = real_open(undo, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  log_file = fcntl(low_log, F_DUPFD_CLOEXEC, 200);
  undo_file = fcntl(low_undo, F_DUPFD_CLOEXEC, 200);
  if (low_log >= 0) real_close(low_log);
  if (low_undo >= 0) real_close(low_undo);
}

// A process without its log would lose nothing, which would look like a process that syncs well.
static void fail(const char *what) {
  static const char message[] = "power cut: the log cannot be written: ";
  real_write(2, message, sizeof message - 1);
  real_write(2, what, strlen(what));
  real_write(2, "\n", 1);
  abort();
}

__attribute__((format(printf, 1, 2))) static void note(const char *format, ...) {
  char line[3 * PATH_BYTES];
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  if (length < 0 || length >= (int)sizeof line) fail("a path is too long");
  if (real_write(log_file, line, (size_t)length) != length) fail(strerror(errno));
}

// - Returns: Whether the path, made absolute, is one of ours.
static int is_ours(const char *path) {
  return log_file >= 0 && strncmp(path, directory, directory_length) == 0 &&
         (path[directory_length] == '/' || path[directory_length] == 0);
}

// The path with its directory resolved: also of a file that is not there.
static int resolve(const char *path, char result[PATH_BYTES]) {
  char parent[PATH_BYTES];
  char resolved[PATH_MAX];
  if (log_file < 0 || strlen(path) >= sizeof parent) return 0;
  strcpy(parent, path);
  char *slash = strrchr(parent, '/');
  const char *name = path;
  if (slash) {
    name = path + (slash - parent) + 1;
    if (slash == parent) slash++;
    *slash = 0;
  } else {
    strcpy(parent, ".");
  }
  if (!realpath(parent, resolved)) return 0;
  int length = snprintf(result, PATH_BYTES, "%s/%s", resolved, name);
  return length > 0 && length < PATH_BYTES && is_ours(result);
}

static off_t length_of(int file) {
  struct stat state;
  return fstat(file, &state) == 0 ? state.st_size : 0;
}

static struct tracked *tracked(int file) {
  return file >= 0 && file < FILES_MAX ? files[file] : NULL;
}

static void opened(int file, int flags, int existed) {
  char link[64];
  char path[PATH_BYTES];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0) return;
  path[length] = 0;
  if (!is_ours(path)) return;
  if (file >= FILES_MAX) fail("too many open files");
  struct tracked *known = calloc(1, sizeof *known);
  if (!known) fail("no memory");
  struct stat state;
  strcpy(known->path, path);
  known->is_directory = fstat(file, &state) == 0 && S_ISDIR(state.st_mode);
  known->syncs_always = (flags & (O_SYNC | O_DSYNC)) != 0;
  known->kept_below = known->is_directory ? 0 : length_of(file);
  pthread_mutex_lock(&lock);
  free(files[file]);
  files[file] = known;
  if (!known->is_directory) {
    note("%c %lld %s\n", existed ? 'E' : 'C', (long long)known->kept_below, path);
    if (existed && (flags & O_TRUNC)) note("T 0 %s\n", path);
  }
  pthread_mutex_unlock(&lock);
}

static int open_noted(int at, const char *path, int flags, mode_t mode) {
  struct stat state;
  int existed = fstatat(at, path, &state, 0) == 0;
  int file = real_openat(at, path, flags, mode);
  if (file >= 0 && log_file >= 0) {
    int error = errno;
    opened(file, flags, existed);
    errno = error;
  }
  return file;
}

#define TAKE_MODE(flags, mode)                         \
  mode_t mode = 0;                                     \
  if ((flags) & (O_CREAT | O_TMPFILE)) {               \
    va_list arguments;                                 \
    va_start(arguments, flags);                        \
    mode = (mode_t)va_arg(arguments, int);             \
    va_end(arguments);                                 \
  }

int open(const char *path, int flags, ...) {
  TAKE_MODE(flags, mode)
  return open_noted(AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...) {
  TAKE_MODE(flags, mode)
  return open_noted(AT_FDCWD, path, flags, mode);
}

int openat(int at, const char *path, int flags, ...) {
  TAKE_MODE(flags, mode)
  return open_noted(at, path, flags, mode);
}

int openat64(int at, const char *path, int flags, ...) {
  TAKE_MODE(flags, mode)
  return open_noted(at, path, flags, mode);
}

int close(int file) {
  if (log_file >= 0 && (file == log_file || file == undo_file)) return 0;
  pthread_mutex_lock(&lock);
  if (tracked(file)) {
    free(files[file]);
    files[file] = NULL;
  }
  pthread_mutex_unlock(&lock);
  return real_close(file);
}

int dup2(int file, int copy) {
  int result = real_dup2(file, copy);
  if (result < 0 || file == copy || copy >= FILES_MAX) return result;
  int error = errno;
  pthread_mutex_lock(&lock);
  free(files[copy]);
  files[copy] = NULL;
  if (tracked(file)) {
    files[copy] = malloc(sizeof *files[copy]);
    if (!files[copy]) fail("no memory");
    *files[copy] = *files[file];
  }
  pthread_mutex_unlock(&lock);
  errno = error;
  return result;
}

// Keeps what a write is about to take away.
static void keep(int file, struct tracked *known, off_t offset, size_t count) {
  if (offset >= known->kept_below || count == 0) return;
  off_t end = offset + (off_t)count;
  if (end > known->kept_below) end = known->kept_below;
  size_t length = (size_t)(end - offset);
  char *old = malloc(length);
  // The file may be open for writing only.
  int reading = real_open(known->path, O_RDONLY | O_CLOEXEC);
  ssize_t read = reading >= 0 && old ? pread(reading, old, length, offset) : -1;
  if (reading >= 0) real_close(reading);
  if (read != (ssize_t)length) fail("what is overwritten cannot be read");
  off_t at = length_of(undo_file);
  if (real_write(undo_file, old, length) != (ssize_t)length) fail(strerror(errno));
  free(old);
  note("U %lld %zu %lld %s\n", (long long)offset, length, (long long)at, known->path);
  (void)file;
}

static void written(int file, struct tracked *known) {
  if (!known->syncs_always) return;
  known->kept_below = length_of(file);
  note("S %lld %s\n", (long long)known->kept_below, known->path);
}

// Runs `call`, which writes `count` bytes at `offset`, with what it takes away kept.
#define WRITE_NOTED(file, offset, count, call)          \
  pthread_mutex_lock(&lock);                            \
  struct tracked *known = tracked(file);                \
  if (!known) {                                         \
    pthread_mutex_unlock(&lock);                        \
    return call;                                        \
  }                                                     \
  keep(file, known, offset, count);                     \
  ssize_t result = call;                                \
  int error = errno;                                    \
  if (result > 0) written(file, known);                 \
  pthread_mutex_unlock(&lock);                          \
  errno = error;                                        \
  return result;

static off_t position(int file) {
  if (fcntl(file, F_GETFL) & O_APPEND) return length_of(file);
  off_t offset = lseek(file, 0, SEEK_CUR);
  return offset < 0 ? 0 : offset;
}

ssize_t write(int file, const void *bytes, size_t count) {
  if (!tracked(file)) return real_write(file, bytes, count);
  WRITE_NOTED(file, position(file), count, real_write(file, bytes, count))
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t offset) {
  WRITE_NOTED(file, offset, count, real_pwrite(file, bytes, count, offset))
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off_t offset) {
  WRITE_NOTED(file, offset, count, real_pwrite(file, bytes, count, offset))
}

ssize_t writev(int file, const struct iovec *parts, int part_count) {
  if (!tracked(file)) return real_writev(file, parts, part_count);
  size_t count = 0;
  for (int index = 0; index < part_count; index++) count += parts[index].iov_len;
  WRITE_NOTED(file, position(file), count, real_writev(file, parts, part_count))
}

static int sync_noted(int file, int (*sync)(int)) {
  // What is written while the sync is under way need not be in it.
  pthread_mutex_lock(&lock);
  struct tracked *known = tracked(file);
  off_t length = known ? length_of(file) : 0;
  pthread_mutex_unlock(&lock);
  int result = sync(file);
  int error = errno;
  if (result == 0) {
    pthread_mutex_lock(&lock);
    known = tracked(file);
    if (known && known->is_directory) {
      note("D %s\n", known->path);
    } else if (known) {
      known->kept_below = length;
      note("S %lld %s\n", (long long)length, known->path);
    }
    pthread_mutex_unlock(&lock);
  }
  errno = error;
  return result;
}

int fsync(int file) { return sync_noted(file, real_fsync); }

int fdatasync(int file) { return sync_noted(file, real_fdatasync); }

static int truncate_noted(int file, off_t length) {
  int result = real_ftruncate(file, length);
  int error = errno;
  pthread_mutex_lock(&lock);
  struct tracked *known = tracked(file);
  if (result == 0 && known && length < known->kept_below) {
    known->kept_below = length;
    note("T %lld %s\n", (long long)length, known->path);
  }
  pthread_mutex_unlock(&lock);
  errno = error;
  return result;
}

int ftruncate(int file, off_t length) { return truncate_noted(file, length); }

int ftruncate64(int file, off_t length) { return truncate_noted(file, length); }

int rename(const char *from, const char *to) {
  char old[PATH_BYTES], new[PATH_BYTES], saved[PATH_BYTES] = "-";
  if (!resolve(from, old) || !resolve(to, new)) return real_rename(from, to);
  pthread_mutex_lock(&lock);
  if (access(new, F_OK) == 0) {
    const char *log = getenv("OPTIMYSTIC_POWER_CUT_LOG");
    int length = snprintf(
        saved, sizeof saved, "%s.saved.%d.%u", log ? log : "", (int)getpid(), saved_count++);
    if (length >= (int)sizeof saved || link(new, saved) != 0) fail("a file cannot be kept");
  }
  int result = real_rename(from, to);
  int error = errno;
  if (result == 0) {
    for (int file = 0; file < FILES_MAX; file++) {
      if (files[file] && strcmp(files[file]->path, old) == 0) strcpy(files[file]->path, new);
    }
    note("R %s %s\t%s\n", saved, old, new);
  }
  pthread_mutex_unlock(&lock);
  errno = error;
  return result;
}

int unlink(const char *path) {
  char known[PATH_BYTES];
  int isOurs = resolve(path, known);
  int result = real_unlink(path);
  int error = errno;
  if (result == 0 && isOurs) {
    pthread_mutex_lock(&lock);
    note("X %s\n", known);
    pthread_mutex_unlock(&lock);
  }
  errno = error;
  return result;
}
