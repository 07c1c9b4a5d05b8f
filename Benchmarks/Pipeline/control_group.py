"""A control group with a memory limit for one run, where the system lets us make one."""

import os
import pathlib
import time


class ControlGroup:
    """Version 2 where its memory controller is ours to use, else version 1; `make` says why there is none."""

    MOUNT = pathlib.Path("/sys/fs/cgroup")

    def __init__(self, path, limit, swap):
        self.path = path
        path.mkdir()
        try:
            (path / limit[0]).write_text(limit[1], encoding="ascii")
        except OSError:
            path.rmdir()
            raise
        try:
            (path / swap[0]).write_text(swap[1], encoding="ascii")
        except OSError:
            pass  # No swap is accounted for here.

    @classmethod
    def make(cls, limit_bytes):
        """The group, or None and the reasons."""
        name = f"millrace-bench-{os.getpid()}"
        reasons = []
        candidates = [(cls.MOUNT / name, ("memory.max", str(limit_bytes)), ("memory.swap.max", "0")),
                      (cls.MOUNT / "memory" / name, ("memory.limit_in_bytes", str(limit_bytes)),
                       ("memory.memsw.limit_in_bytes", str(limit_bytes)))]
        for path, limit, swap in candidates:
            kind = path.parent / ("cgroup.controllers" if limit[0] == "memory.max" else "tasks")
            if not kind.exists():
                continue
            try:
                return cls(path, limit, swap), []
            except OSError as error:
                reasons.append(f"{error.filename}: {error.strerror}")
        return None, reasons or ["no memory controller under " + str(cls.MOUNT)]

    @property
    def prefix(self):
        """What to put in front of a command that is to run inside."""
        return ["sh", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"', self.path]

    def kills(self):
        """How often the kernel killed for want of memory in here."""
        for file in ("memory.events", "memory.oom_control"):
            try:
                for line in (self.path / file).read_text(encoding="ascii").splitlines():
                    if line.startswith("oom_kill "):
                        return int(line.split()[1])
            except OSError:
                continue
        return None

    def remove(self):
        for _ in range(50):
            try:
                self.path.rmdir()
                return
            except OSError:
                time.sleep(0.1)  # The last process is not gone yet.
