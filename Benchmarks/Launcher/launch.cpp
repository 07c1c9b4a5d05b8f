// Runs a command and writes what the kernel counted for it: launch FILE COMMAND...
// FILE gets `exit-code user-us system-us peak-KiB`. The kernel's peak of a process includes what the process was before
// it became the command, so a measuring program of 80 MB would show 80 MB for all; this one is as small as can be.
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile pid_t child = 0;

static void forward(int signal) {
    if (child > 0) { kill(child, signal); }
}

int main(int argc, char **argv) {
    if (argc < 3) { return 125; }
    std::signal(SIGTERM, forward);
    std::signal(SIGINT, forward);
    child = fork();
    if (child < 0) { return 125; }
    if (child == 0) {
        std::signal(SIGTERM, SIG_DFL);
        std::signal(SIGINT, SIG_DFL);
        // Whoever kills the launcher means the command.
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execvp(argv[2], argv + 2);
        std::perror(argv[2]);
        _exit(127);
    }
    int status;
    rusage usage;
    while (wait4(child, &status, 0, &usage) < 0) {
        if (errno != EINTR) { return 125; }
    }
    const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    std::FILE *file = std::fopen(argv[1], "w");
    if (file == nullptr) { return 125; }
    std::fprintf(file, "%d %lld %lld %ld\n", code, usage.ru_utime.tv_sec * 1000000LL + usage.ru_utime.tv_usec,
                 usage.ru_stime.tv_sec * 1000000LL + usage.ru_stime.tv_usec, usage.ru_maxrss);
    return std::fclose(file) == 0 ? code : 125;
}
