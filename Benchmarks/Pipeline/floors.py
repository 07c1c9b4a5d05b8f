"""The programs beside ours: simdjson and librdkafka alone, and a producer of given lines."""

import re

from building import BENCHMARKS, SOURCES, BenchmarkError, build


def json_floor():
    """simdjson beside our walker; `--once FILE` reads a file with simdjson and nothing else."""
    source, walker = BENCHMARKS / "JSONFloor/floor.cpp", SOURCES / "CSimdJSON"
    return build("json-floor", [source, walker],
                 [f"-I{walker / 'include'}", source, *sorted(walker.glob("*.cpp")), "-lsimdjson"])


def kafka_floor():
    """`count` reads a topic with librdkafka and nothing else; `feed` sends lines."""
    source = BENCHMARKS / "KafkaFloor/floor.cpp"
    return build("kafka-floor", [source], [source, "-lrdkafka"])


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


def count_command(address, topic, partitions, messages):
    """The command that reads `messages` messages and only counts them."""
    settings = [f"{key}={value}" for key, value in fetch_settings().items()]
    return [kafka_floor(), "count", address, topic, partitions, messages, *settings]


def feed_command(address, topic, partitions, lines, linger_ms=20):
    """The command that sends its standard input, `lines` lines per message, compressed with lz4."""
    return [kafka_floor(), "feed", address, topic, partitions, lines, "compression.codec=lz4",
            f"linger.ms={linger_ms}", "queue.buffering.max.kbytes=65536"]
