"""What the figures depend on: machine, versions, revision."""

import datetime
import os
import platform
import re
import subprocess


def _output(*command, cwd=None):
    try:
        end = subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=60)
    except OSError:
        return ""
    return end.stdout.strip() if end.returncode == 0 else ""


def _first(pattern, text, missing="?"):
    match = re.search(pattern, text)
    return match[1] if match else missing


def cpu_model():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        return _first(r"model name\s*: (.*)", file.read(), platform.machine())


def memory_gib():
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def revision(root):
    """The commit, and whether the tree differs from it."""
    commit = _output("git", "-C", str(root), "rev-parse", "--short", "HEAD") or "unknown"
    dirty = _output("git", "-C", str(root), "status", "--porcelain", "--untracked-files=no")
    return commit + (" with changes" if dirty else "")


def versions(millrace):
    """Name and version of what takes part, in the order of the data's way."""
    text = _output(millrace, "version")
    return {
        "Millrace": _first(r"millrace (\S+)", text),
        "Swift": _first(r"Swift version (\S+)", _output("swift", "--version")),
        "simdjson": (_output("pkg-config", "--modversion", "simdjson") or "?")
        + " (" + _first(r"JSON kernel (\w+)", text) + ")",
        "librdkafka": _first(r"librdkafka ([\d.]+)", text),
        "PostgreSQL": _first(r"(\d+(?:\.\d+)*)", _output("psql", "--version")),
        "Python": platform.python_version(),
    }


class Conditions:
    """When, where and with what a section was measured; made before it, told after it."""

    def __init__(self, bench):
        self.bench = bench
        self.began = datetime.datetime.now(datetime.timezone.utc)
        self.load = os.getloadavg()[0]

    def text(self):
        """One paragraph."""
        bench = self.bench
        named = {**versions(bench.millrace), **bench.versions}
        build = "" if bench.is_own_build else ", measured with a program built elsewhere"
        return (f"{self.began:%Y-%m-%d %H:%M} UTC, revision {revision(bench.root)}{build}; {cpu_model()}, "
                f"{os.cpu_count()} cores, {memory_gib():.0f} GiB, Linux {platform.release()}, load {self.load:.1f} at "
                "the start; " + ", ".join(f"{name} {version}" for name, version in named.items())
                + f". {bench.events:,} events of 346 bytes on average, {bench.repeat} "
                + ("rounds" if bench.repeat > 1 else "round") + ".")
