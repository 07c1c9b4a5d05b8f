#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#if defined(__linux__)
#include <sys/prctl.h>

// prctl takes arguments as it likes, which Swift cannot call.

/// How late the kernel may wake the calling thread from a wait with an end, in nanoseconds; what it starts inherits it.
static inline int millrace_timer_slack(void) { return prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0); }

/// Sets it.
static inline void millrace_set_timer_slack(int nanoseconds) {
    (void)prctl(PR_SET_TIMERSLACK, (unsigned long)nanoseconds, 0, 0, 0);
}
#else
static inline int millrace_timer_slack(void) { return -1; }
static inline void millrace_set_timer_slack(int nanoseconds) { (void)nanoseconds; }
#endif
