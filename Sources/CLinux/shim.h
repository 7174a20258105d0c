// What Linux offers and the Glibc overlay of Swift leaves out. Every function keeps the convention
// of the call it wraps: -1 and errno on failure.
#ifndef OPTIMYSTIC_CLINUX_SHIM_H
#define OPTIMYSTIC_CLINUX_SHIM_H

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

/// A counter that poll() can wait for. Non-blocking, closed on exec.
static inline int linux_eventfd(void) {
    return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

/// Makes the counter readable. A full counter (EAGAIN) is readable already and counts as success.
static inline int linux_eventfd_signal(int fd) {
    uint64_t one = 1;
    ssize_t written;
    do {
        written = write(fd, &one, sizeof one);
    } while (written < 0 && errno == EINTR);
    return written == sizeof one || errno == EAGAIN ? 0 : -1;
}

/// Takes the counter back to zero. Returns 1 when it was not, 0 when it was already.
static inline int linux_eventfd_clear(int fd) {
    uint64_t count = 0;
    ssize_t taken;
    do {
        taken = read(fd, &count, sizeof count);
    } while (taken < 0 && errno == EINTR);
    if (taken == sizeof count) return 1;
    return errno == EAGAIN ? 0 : -1;
}

/// Takes the exclusive advisory lock of an open file, or fails with EWOULDBLOCK at once. The lock
/// ends with the last descriptor of that open file, so also when the process is killed.
static inline int linux_lock_exclusive(int fd) {
    return flock(fd, LOCK_EX | LOCK_NB);
}

/// A descriptor that becomes readable when a signal of `mask` arrives. The caller blocks those
/// signals in every thread first. Non-blocking, closed on exec.
static inline int linux_signalfd(const sigset_t *mask) {
    return signalfd(-1, mask, SFD_CLOEXEC | SFD_NONBLOCK);
}

/// The number of the next pending signal of a signalfd; 0 when there is none.
static inline int linux_signalfd_next(int fd) {
    struct signalfd_siginfo info;
    ssize_t taken;
    do {
        taken = read(fd, &info, sizeof info);
    } while (taken < 0 && errno == EINTR);
    if (taken == sizeof info) return (int)info.ssi_signo;
    return errno == EAGAIN ? 0 : -1;
}

/// Waits for a condition until `nanoseconds` of the monotonic clock. Returns 0 when woken,
/// ETIMEDOUT when the moment has come. Unlike pthread_cond_timedwait it does not follow the wall
/// clock when somebody sets it.
static inline int linux_condition_wait(
    pthread_cond_t *condition, pthread_mutex_t *mutex, int64_t nanoseconds) {
    struct timespec until;
    until.tv_sec = nanoseconds / 1000000000;
    until.tv_nsec = nanoseconds % 1000000000;
    return pthread_cond_clockwait(condition, mutex, CLOCK_MONOTONIC, &until);
}

/// Hands over what the C library still holds of standard output. -1 when that, or anything it
/// wrote before, could not be written.
static inline int linux_finish_standard_output(void) {
    errno = 0;
    if (fflush(stdout) != 0) return -1;
    return ferror(stdout) ? -1 : 0;
}

#endif
