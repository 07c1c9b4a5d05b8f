"""Compiles the small programs beside the benchmark when they are needed."""

import functools
import pathlib
import shutil
import subprocess

BENCHMARKS = pathlib.Path(__file__).resolve().parents[1]
SOURCES = BENCHMARKS.parent / "Sources"
WORK = BENCHMARKS.parent / ".build/bench"


class BenchmarkError(Exception):
    """Something that was to be measured did not work; the text says what."""


def build(name, sources, arguments):
    """The program `name`, compiled unless it is newer than all of `sources`, files and folders."""
    program = WORK / name
    inputs = [path for source in sources for path in ([source] if source.is_file() else source.rglob("*"))]
    if program.exists() and program.stat().st_mtime > max(path.stat().st_mtime for path in inputs):
        return program
    WORK.mkdir(parents=True, exist_ok=True)
    compiler = shutil.which("clang++") or shutil.which("g++")
    if compiler is None:
        raise BenchmarkError("no C++ compiler here: scripts/install-dependencies installs one")
    subprocess.run([compiler, "-std=c++17", "-O2", *arguments, "-o", program], check=True)
    return program


@functools.cache
def launcher():
    """Runs a command and tells what the kernel counted for it alone."""
    source = BENCHMARKS / "Launcher/launch.cpp"
    return build("launch", [source], [source])
