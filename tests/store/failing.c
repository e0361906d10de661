/* Loaded before the C library: makes every n-th call of one kind fail for files below one folder.
   `failing_set` turns this on and off while the program runs. The calls of SQLite fail, too, which
   code in Python could not achieve. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static char kind[16], folder[4096];
static int nth, number;
static volatile int calls, failed;

void failing_set(const char *call, int every, int error, const char *below) {
    strncpy(kind, call, sizeof kind - 1);
    strncpy(folder, below, sizeof folder - 1);
    nth = every, number = error, calls = 0, failed = 0;
}

int failing_count(void) { return failed; }

static int meets(const char *call, const char *path) {
    if (!nth || strcmp(call, kind) || strncmp(path, folder, strlen(folder))) return 0;
    if (__sync_add_and_fetch(&calls, 1) % nth) return 0;
    __sync_add_and_fetch(&failed, 1);
    errno = number;
    return 1;
}

static int meets_fd(const char *call, int fd) {
    char link[64], path[4096];
    if (!nth || strcmp(call, kind)) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size < 0) return 0;
    path[size] = 0;
    return meets(call, path);
}

#define REAL(name) (__typeof__(&name))dlsym(RTLD_NEXT, #name)

#define OPEN(name)                                                     \
    int name(const char *path, int flags, ...) {                       \
        va_list more;                                                  \
        va_start(more, flags);                                         \
        int mode = va_arg(more, int);                                  \
        va_end(more);                                                  \
        return meets("open", path) ? -1 : (REAL(name))(path, flags, mode); \
    }
#define OPENAT(name)                                                   \
    int name(int at, const char *path, int flags, ...) {               \
        va_list more;                                                  \
        va_start(more, flags);                                         \
        int mode = va_arg(more, int);                                  \
        va_end(more);                                                  \
        return meets("open", path) ? -1 : (REAL(name))(at, path, flags, mode); \
    }
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

ssize_t write(int fd, const void *data, size_t size) {
    return meets_fd("write", fd) ? -1 : (REAL(write))(fd, data, size);
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
    return meets_fd("write", fd) ? -1 : (REAL(pwrite))(fd, data, size, at);
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
    return meets_fd("write", fd) ? -1 : (REAL(pwrite64))(fd, data, size, at);
}
int fsync(int fd) { return meets_fd("fsync", fd) ? -1 : (REAL(fsync))(fd); }
int fdatasync(int fd) { return meets_fd("fsync", fd) ? -1 : (REAL(fdatasync))(fd); }
int ftruncate(int fd, off_t size) {
    return meets_fd("truncate", fd) ? -1 : (REAL(ftruncate))(fd, size);
}
int ftruncate64(int fd, off64_t size) {
    return meets_fd("truncate", fd) ? -1 : (REAL(ftruncate64))(fd, size);
}
int rename(const char *from, const char *to) {
    return meets("rename", from) ? -1 : (REAL(rename))(from, to);
}
int renameat(int at, const char *from, int other, const char *to) {
    return meets("rename", from) ? -1 : (REAL(renameat))(at, from, other, to);
}
