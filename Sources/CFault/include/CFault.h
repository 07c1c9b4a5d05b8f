#pragma once
// A note that a process leaves when it dies of a fault of its own: a crash, that is, and not a kill. In C, since the handler
// of such a signal may call next to nothing and must not touch what Swift keeps for its threads.
// Thread safety: cf_leave_note once, before the threads that may fault; the others belong to the calling thread.

#ifdef __cplusplus
extern "C" {
#endif

/// Bytes of a path, and of a thread's work, with the zero behind them; what is longer is cut.
#define CF_PATH_MAX 1024
#define CF_WORK_MAX 256

/// From now on, a fatal signal writes a file at `path`, which must not be there: the signal's number, a space, and the work of
/// the thread that it came to. Then the signal does what it would have done; one that was sent ends the process.
///
/// SIGABRT from outside leaves no note: a manager sends it to a process that it has lost patience with.
void cf_leave_note(const char *path);

/// Says what the calling thread works for: empty for nobody in particular.
void cf_set_work(const char *work);

/// What the calling thread works for.
const char *cf_work(void);

#ifdef __cplusplus
}
#endif
