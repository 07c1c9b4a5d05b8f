"""The programs beside ours: simdjson and librdkafka alone, and a producer of given lines; built when they are needed."""

import pathlib
import re
import shutil
import subprocess

from measuring import BenchmarkError

BENCHMARKS = pathlib.Path(__file__).resolve().parents[1]
SOURCES = BENCHMARKS.parent / "Sources"


def _build(program, sources, arguments):
    """Compiles `program` unless it is newer than all it is made of."""
    inputs = [path for source in sources for path in ([source] if source.is_file() else source.rglob("*"))]
    if program.exists() and program.stat().st_mtime > max(path.stat().st_mtime for path in inputs):
        return program
    program.parent.mkdir(parents=True, exist_ok=True)
    compiler = shutil.which("clang++") or shutil.which("g++")
    if compiler is None:
        raise BenchmarkError("no C++ compiler here: scripts/install-dependencies installs one")
    subprocess.run([compiler, "-std=c++17", "-O2", *arguments, "-o", program], check=True)
    return program


def json_floor(work):
    """simdjson beside our walker; `--once FILE` reads a file with simdjson and nothing else."""
    source, walker = BENCHMARKS / "JSONFloor/floor.cpp", SOURCES / "CSimdJSON"
    return _build(work / "json-floor", [source, walker],
                  [f"-I{walker / 'include'}", source, *sorted(walker.glob("*.cpp")), "-lsimdjson"])


def kafka_floor(work):
    """`count` reads a topic with librdkafka and nothing else; `feed` sends lines."""
    source = BENCHMARKS / "KafkaFloor/floor.cpp"
    return _build(work / "kafka-floor", [source], [source, "-lrdkafka"])


def swift_constant(text, name):
    """The value of `static let name = 16 * 1024` and the like: a number, a product, or a shift."""
    match = re.search(rf"static let {name} = (\d[\d_]*)(?: (\*|<<) (\d[\d_]*))?\n", text)
    if match is None:
        raise BenchmarkError(f"{name}: not found, or not a number, in KafkaLimits.swift")
    first, sign, second = int(match[1]), match[2], int(match[3] or 0)
    return first if sign is None else first * second if sign == "*" else first << second


def fetch_settings():
    """How our consumer fetches, in librdkafka's words; taken from its source, so that the floor does the same."""
    text = (SOURCES / "Kafka/KafkaLimits.swift").read_text(encoding="utf-8")
    return {
        "queued.max.messages.kbytes": swift_constant(text, "queuedKilobytes"),
        "queued.min.messages": swift_constant(text, "queuedMessagesMin"),
        "fetch.message.max.bytes": swift_constant(text, "fetchPartitionBytes"),
        "fetch.max.bytes": swift_constant(text, "fetchBytes"),
        "check.crcs": "true",
        "isolation.level": "read_committed",
        "socket.nagle.disable": "true",
        "enable.auto.commit": "false",
    }


def count_command(work, address, topic, partitions, messages):
    """The command that reads `messages` messages and only counts them."""
    settings = [f"{key}={value}" for key, value in fetch_settings().items()]
    return [kafka_floor(work), "count", address, topic, partitions, messages, *settings]


def feed_command(work, address, topic, partitions, lines, linger_ms=20):
    """The command that sends its standard input, `lines` lines per message, compressed with lz4."""
    return [kafka_floor(work), "feed", address, topic, partitions, lines, "compression.codec=lz4",
            f"linger.ms={linger_ms}", "queue.buffering.max.kbytes=65536"]
