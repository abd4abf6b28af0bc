/* Stands between a program of the bench and its C library: a clock that can be stepped without the machine's own,
 * and a list of what was made safe on the disk, so that a power cut can be played afterwards.
 *
 * ASVKIT_BENCH_CLOCK: a file of 8 bytes, nanoseconds added to CLOCK_REALTIME and to the kernel's stamps of datagrams.
 * ASVKIT_BENCH_SYNCED: a file that gets "device inode size" of each fsync.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SECOND_NS 1000000000LL

static const volatile int64_t no_step = 0;
static const volatile int64_t *step_ns = &no_step;
static int synced = -1;
static int (*next_clock)(clockid_t, struct timespec *);
static int (*next_fsync)(int), (*next_fdatasync)(int);
static ssize_t (*next_recvmsg)(int, struct msghdr *, int);
static int (*next_recvmmsg)(int, struct mmsghdr *, unsigned, int, struct timespec *);

__attribute__((constructor)) static void begin(void)
{
    const char *clock_path = getenv("ASVKIT_BENCH_CLOCK"), *synced_path = getenv("ASVKIT_BENCH_SYNCED");
    next_clock = dlsym(RTLD_NEXT, "clock_gettime");
    next_fsync = dlsym(RTLD_NEXT, "fsync");
    next_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    next_recvmsg = dlsym(RTLD_NEXT, "recvmsg");
    next_recvmmsg = dlsym(RTLD_NEXT, "recvmmsg");
    if (clock_path) {
        int file = open(clock_path, O_RDONLY | O_CLOEXEC);
        void *seen = file < 0 ? MAP_FAILED : mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
        if (seen != MAP_FAILED)
            step_ns = seen;
        if (file >= 0)
            close(file);
    }
    if (synced_path)
        synced = open(synced_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static void stepped(struct timespec *at)
{
    int64_t ns = at->tv_nsec + *step_ns % SECOND_NS;
    at->tv_sec += *step_ns / SECOND_NS + (ns >= SECOND_NS) - (ns < 0);
    at->tv_nsec = ns < 0 ? ns + SECOND_NS : ns >= SECOND_NS ? ns - SECOND_NS : ns;
}

int clock_gettime(clockid_t clock, struct timespec *at)
{
    if (!next_clock) /* before our constructor */
        next_clock = dlsym(RTLD_NEXT, "clock_gettime");
    int told = next_clock(clock, at);
    if (!told && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        stepped(at);
    return told;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone)
{
    struct timespec now;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &now))
        return -1;
    at->tv_sec = now.tv_sec;
    at->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *at)
{
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME, &now))
        return -1;
    if (at)
        *at = now.tv_sec;
    return now.tv_sec;
}

static void stamps_stepped(struct msghdr *message)
{
    if (!message->msg_control || !*step_ns)
        return;
    for (struct cmsghdr *one = CMSG_FIRSTHDR(message); one; one = CMSG_NXTHDR(message, one)) {
        struct timespec at;
        if (one->cmsg_level != SOL_SOCKET || one->cmsg_type != SO_TIMESTAMPNS)
            continue;
        memcpy(&at, CMSG_DATA(one), sizeof at);
        stepped(&at);
        memcpy(CMSG_DATA(one), &at, sizeof at);
    }
}

ssize_t recvmsg(int file, struct msghdr *message, int flags)
{
    ssize_t size = next_recvmsg(file, message, flags);
    if (size >= 0)
        stamps_stepped(message);
    return size;
}

int recvmmsg(int file, struct mmsghdr *messages, unsigned most, int flags, struct timespec *timeout)
{
    int count = next_recvmmsg(file, messages, most, flags, timeout);
    for (int at = 0; at < count; at++)
        stamps_stepped(&messages[at].msg_hdr);
    return count;
}

/* The size is read before: what is written meanwhile may not be on the disk. */
static int safe(int file, int (*next)(int))
{
    struct stat told;
    int known = synced >= 0 && !fstat(file, &told) && S_ISREG(told.st_mode);
    int failed = next(file);
    if (known && !failed) {
        char line[80];
        int size = snprintf(line, sizeof line, "%ju %ju %jd\n", (uintmax_t)told.st_dev, (uintmax_t)told.st_ino,
                            (intmax_t)told.st_size);
        if (write(synced, line, size) != size)
            return failed;
    }
    return failed;
}

int fsync(int file)
{
    return safe(file, next_fsync);
}

int fdatasync(int file)
{
    return safe(file, next_fdatasync);
}
