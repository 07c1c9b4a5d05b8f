// For LD_PRELOAD under valgrind before 3.20, which writes into the signal mask that a program waits with: libdispatch's
// mask is in read-only memory, and valgrind crashes.
#define _GNU_SOURCE
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

int sigsuspend(const sigset_t *mask) {
    sigset_t copy = *mask;
    return (int)syscall(SYS_rt_sigsuspend, &copy, 8);
}
