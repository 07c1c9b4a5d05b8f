#define _GNU_SOURCE
#include "CFault.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

static const int fatal[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT};
enum { fatalCount = sizeof fatal / sizeof fatal[0], signalMost = 64 };

static char notePath[CF_PATH_MAX];
static atomic_flag isWritten = ATOMIC_FLAG_INIT;
/// What the signals did before.
static struct sigaction before[signalMost];
static _Thread_local char work[CF_WORK_MAX];
/// Where the handler runs in a thread whose stack has overflowed.
static _Thread_local char spareStack[16 * 1024];

static void writeNote(int number) {
    // Another thread may fault while the process dies of the first: one note, and whole.
    if (atomic_flag_test_and_set(&isWritten)) { return; }
    const int file = open(notePath, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0) { return; }
    char text[4 + CF_WORK_MAX];
    size_t length = 0;
    if (number >= 10) { text[length++] = (char)('0' + number / 10); }
    text[length++] = (char)('0' + number % 10);
    text[length++] = ' ';
    const size_t workLength = strlen(work);
    memcpy(text + length, work, workLength);
    length += workLength;
    // Nobody is left to be told that the disk is full.
    if (write(file, text, length) < 0) { unlink(notePath); }
    close(file);
}

static void onFault(int number, siginfo_t *info, void *context) {
    (void)context;
    const int saved = errno;
    const bool isSent = info->si_code <= 0;
    if (number != SIGABRT || !isSent || info->si_pid == getpid()) { writeNote(number); }
    // A fault comes again when this returns, for whom it came to before. What was sent does not, and handlers such as that of
    // Swift's backtraces, which expect it to, would swallow it. Nor does a trap that the processor has stepped over.
    struct sigaction plain;
    memset(&plain, 0, sizeof plain);
    plain.sa_handler = SIG_DFL;
    sigaction(number, isSent ? &plain : &before[number], NULL);
    if (isSent || number == SIGTRAP) { raise(number); }
    errno = saved;
}

void cf_leave_note(const char *path) {
    strncpy(notePath, path, CF_PATH_MAX - 1);
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = onFault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    for (size_t each = 0; each < fatalCount; each++) { sigaction(fatal[each], &action, &before[fatal[each]]); }
}

void cf_set_work(const char *name) {
    strncpy(work, name, CF_WORK_MAX - 1);
    stack_t stack;
    if (sigaltstack(NULL, &stack) != 0 || (stack.ss_flags & SS_DISABLE) == 0) { return; }
    memset(&stack, 0, sizeof stack);
    stack.ss_sp = spareStack;
    stack.ss_size = sizeof spareStack;
    sigaltstack(&stack, NULL);
}

const char *cf_work(void) { return work; }
