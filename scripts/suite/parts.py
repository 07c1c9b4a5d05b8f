"""What the suite consists of: `parts(level)` for the levels smoke, default and full."""

import dataclasses
import os
import pathlib
import platform
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
LEVELS = ("smoke", "default", "full")

#: Where the programs are: those that somebody who changes them has built anyway, and optimised ones. The latter are what
#: users run; the optimiser has crashed on code, and made a fault of one, that a debug build took. Building them takes
#: twice as long as building the others, and the tests a quarter of the time, so whoever runs all is done sooner.
DEBUG, OPTIMISED = ".build/debug", ".build/optimised/release"
#: The index, from which the test program learns what tests there are, of our own code alone.
SMALL_INDEX = ("-Xswiftc", "-index-ignore-system-modules", "-Xswiftc", "-index-ignore-clang-modules")

#: Those of IntegrationTests that wait most of the time: for sessions of killed members to end, for brokers to come back.
#: They run beside those that need the processor; together, they would take turns from one another.
WAITING = ("KillTests", "AwayTests", "LookupKillTests")

#: What a smoke test leaves out: suites that start brokers, servers and programs, or take more than a few seconds.
SLOW = {
    "IntegrationTests": (),
    "KafkaTests": (
        "ClusterClientTests", "ConsumerGroupTests", "ConsumerTests", "DevelopmentBrokerTests", "ProducerTests",
    ),
    "NodesTests": ("KafkaLogTests", "KafkaSourceTests", "PostgresSessionTests"),
    "QueryTests": ("DifferentialTests",),
}

#: Targets whose tests wait for services most of the time, and how many cores they keep busy.
LIGHT = {"LookupSourcesTests": 0.5, "MillraceTests": 0.7, "PostgresTests": 0.6}

#: Targets whose tests run under the sanitizers: those that start no other programs and wait for nothing.
SANITIZED = (
    "DataflowTests", "EventGeneratorTests", "ExpressionsTests", "JSONTests", "PlatformTests", "SimulationTests",
    "SketchesTests", "SummariesTests",
)

#: Versions of PostgreSQL that scripts/install-dependencies --full brings along, beside the system's.
POSTGRES = ("13", "14", "16", "17", "18")
#: Those that bring the headers along with which the extension is built.
WITH_HEADERS = ("13", "14", "16", "18")
#: What depends on the server's version: the driver, the SQL functions, the sink, and what its users see.
POSTGRES_SUITES = (
    "PostgresTests", "NodesTests", "IntegrationTests.RefusedRowsTests", "IntegrationTests.TableHistoryTests",
    "IntegrationTests.TableMeaningTests", "IntegrationTests.TableNameTests", "IntegrationTests.UpgradeTests",
    "IntegrationTests.ForeignDatabaseTests", "IntegrationTests.DatabaseErrorTests",
    "IntegrationTests.GeneratedColumnsTests", "IntegrationTests.BoundsViewTests", "IntegrationTests.FreshnessTests",
    "IntegrationTests.PlanTests", "IntegrationTests.RebuildTests", "CatalogTests",
)


@dataclasses.dataclass(frozen=True)
class Part:
    """One line of the tally."""

    name: str
    #: How scripts/tally counts: swift, unittest or check.
    kind: str
    command: tuple
    #: The first level that runs it, and the last one: something in later ones includes it.
    level: str = "default"
    last: str = LEVELS[-1]
    #: How many cores it keeps busy, measured: parts run side by side while the machine has enough.
    cores: float = 1.0
    #: Parts that must have passed before, of those that run.
    after: tuple = ("build", "build, optimised")
    environment: tuple = ()

    def runs_in(self, level):
        """Whether a level runs it."""
        return LEVELS.index(self.level) <= LEVELS.index(level) <= LEVELS.index(self.last)


def swift_test(programs, *options):
    """The program that `swift test` would start. Itself it cannot run beside another one, nor beside a build."""
    return (f"{programs}/millracePackageTests.xctest", "--testing-library", "swift-testing", *options)


def suites(target, *names):
    """The pattern of some suites of a target, or of all of it."""
    return f"^{target}\\.({'|'.join(names)})/" if names else f"^{target}\\."


def test_targets():
    """The targets that have a test."""
    folders = sorted((ROOT / "Tests").glob("*Tests"))
    return [folder.name for folder in folders if any("@Test" in file.read_text() for file in folder.rglob("*.swift"))]


def missing_suites():
    """Targets and suites named above that are not there any more: a pattern that finds nothing says nothing."""
    targets = {*SLOW, *LIGHT, *SANITIZED, *(one.split(".")[0] for one in POSTGRES_SUITES)} - set(test_targets())
    named = [(target, name) for target, names in SLOW.items() for name in names]
    named += [("IntegrationTests", name) for name in WAITING]
    named += [tuple(one.split(".")) for one in POSTGRES_SUITES if "." in one]
    return sorted(targets) + [
        f"{target}.{name}"
        for target, name in named
        if not any(re.search(rf"struct {name}\b", file.read_text()) for file in (ROOT / "Tests" / target).rglob("*.swift"))
    ]


def preparation():
    yield Part("dependencies", "check", ("scripts/install-dependencies", "--test"), level="smoke", after=(), cores=2)
    build = ("swift", "build", "--build-tests")
    yield Part("build", "check", build, level="smoke", last="smoke", after=("dependencies",), cores=2)
    # Tests see what is internal.
    optimised = ("-c", "release", "-Xswiftc", "-enable-testing", "--scratch-path", str(pathlib.Path(OPTIMISED).parent))
    yield Part("build, optimised", "check", (*build, *SMALL_INDEX, *optimised), after=("dependencies",), cores=1.7)
    yield Part("checks", "check", ("scripts/check",), level="smoke", after=("dependencies",), cores=0.3)


def swift_parts(programs):
    # What waits most comes first, and what keeps a core busy runs beside it.
    yield Part(
        "IntegrationTests, kills", "swift", swift_test(programs, "--filter", suites("IntegrationTests", *WAITING)),
        cores=0.3)
    rest = ("--filter", suites("IntegrationTests"), "--skip", suites("IntegrationTests", *WAITING))
    yield Part("IntegrationTests", "swift", swift_test(programs, *rest), cores=0.8)
    for target in test_targets():
        if target == "IntegrationTests":
            continue
        options = ("--filter", suites(target))
        slow = SLOW.get(target)
        yield Part(
            target, "swift", swift_test(programs, *options), level="default" if slow else "smoke",
            cores=0.3 if slow else LIGHT.get(target, 1))
        if slow:
            options += ("--skip", suites(target, *slow))
            yield Part(f"{target}, quick", "swift", swift_test(programs, *options), level="smoke", last="smoke")
    # The parser on a processor without vector instructions: the same reasons.
    yield Part(
        "JSONTests, scalar kernel", "swift", swift_test(programs, "--filter", suites("JSONTests")),
        environment=(("SIMDJSON_FORCE_IMPLEMENTATION", "fallback"),))


def python_parts():
    for folder in ("recount", "deployment", "scripts"):
        yield Part(
            f"Tests/{folder}", "unittest",
            ("python3", "-m", "unittest", "discover", "--verbose", f"Tests/{folder}"),
            level="default" if folder == "scripts" else "smoke", after=("dependencies",))


def package_parts(programs):
    """What users install, and what they look at in a real browser."""
    for folder, cores in (("packaging", 1), ("page", 0.3)):
        yield Part(
            f"Tests/{folder}", "unittest", ("python3", "-m", "unittest", "discover", "--verbose", f"Tests/{folder}"),
            cores=cores, environment=(("MILLRACE", f"{programs}/millrace"),))


def attack_parts(programs):
    """The listener under those who mean harm: some seconds of each attack, and ten minutes."""
    tests = ("python3", "-m", "unittest", "discover", "--verbose", "Tests/attack")
    program = ("MILLRACE", f"{programs}/millrace")
    yield Part("Tests/attack", "unittest", tests, last="default", cores=0.5, environment=(program,))
    yield Part(
        "Tests/attack, ten minutes", "unittest", tests, level="full",
        environment=(program, ("MILLRACE_ATTACK_SECONDS", "600")))


def extension_parts(programs):
    """The optional extension in C: beside the plain functions, in the place of them, and its core under sanitizers."""
    tests = ("python3", "-m", "unittest", "discover", "--verbose", "Tests/extension")
    yield Part("Tests/extension", "unittest", tests, after=("dependencies",), cores=0.3)
    yield Part(
        "extension, the engine's tests", "swift", ("Tests/extension/engine",),
        environment=(("MILLRACE_TESTS", swift_test(programs)[0]),))
    yield Part("extension, fuzzing finds what it should", "check", ("extension/fuzz/run", "--canary"), after=("dependencies",))
    yield Part("extension, fuzzing", "check", ("extension/fuzz/run",), after=("dependencies",))
    for version in WITH_HEADERS:
        binaries = (ROOT / ".build/tools/postgres" / version / "bin")
        yield Part(
            f"Tests/extension, PostgreSQL {version}", "unittest", tests, level="full",
            after=("versions of PostgreSQL",), environment=(("MILLRACE_POSTGRES_BIN", str(binaries)),))


def newer_kafka_parts(programs):
    """The same driver and nodes with another version of the C library under them."""
    library = (("LD_LIBRARY_PATH", str(ROOT / ".build/tools/librdkafka-new")),)
    yield Part(
        "a newer librdkafka is in use", "check",
        ("bash", "-c", '[[ $("$0" version) != "$(env -u LD_LIBRARY_PATH "$0" version)" ]] && "$0" version',
         f"{programs}/millrace"),
        environment=library)
    yield Part(
        "KafkaTests, newer librdkafka", "swift", swift_test(programs, "--filter", suites("KafkaTests")), cores=0.2,
        after=("a newer librdkafka is in use",), environment=library)


def postgres_parts(programs):
    """What depends on the server, with each version."""
    yield Part(
        "versions of PostgreSQL", "check", ("scripts/install-dependencies", "--full"), level="full",
        after=("dependencies",), cores=0.5)
    for version in POSTGRES:
        binaries = ROOT / ".build/tools/postgres" / version / "bin"
        filters = [word for one in POSTGRES_SUITES for word in ("--filter", suites(*one.split(".")))]
        # Sources are the same whatever the server; and these servers bring time zones of their own, of other years.
        nodes = suites("NodesTests", "KafkaLogTests", "KafkaSourceTests", "MessageValueTests", "CalendarOracleTests")
        skips = ("--skip", nodes, "--skip", suites("PostgresTests", "TimeZoneOracleTests"))
        yield Part(
            f"PostgreSQL {version}", "swift", swift_test(programs, *filters, *skips), level="full",
            after=("build, optimised", "versions of PostgreSQL"), environment=(("MILLRACE_POSTGRES_BIN", str(binaries)),))


def sanitizer_parts():
    """Tests built so that races and wrong uses of memory end them."""
    folder = str(ROOT / ".build/thread-sanitizer")
    needed = "the thread sanitizer finds a race"
    yield Part(needed, "check", ("scripts/suite/thread-sanitizer/prepare", folder), level="full", after=("dependencies",))
    filters = [word for target in SANITIZED for word in ("--filter", suites(target))]
    # Leaks are not judged: Swift 6.3 without its optimiser forgets the `deinit` of generic types with a field of their
    # parameter, such as StateColumn.
    prefixes = {"thread": f"LD_PRELOAD={folder}/mutex.so", "address": "ASAN_OPTIONS=detect_leaks=0"}
    for sanitizer, setting in prefixes.items():
        scratch = f".build/sanitize-{sanitizer}"
        # Of one core by its number, so that the second one is built beside the tests of the first.
        build = f"build, {sanitizer} sanitizer"
        yield Part(
            build, "check",
            ("swift", "build", "--build-tests", *SMALL_INDEX, f"--sanitize={sanitizer}", "--scratch-path", scratch), level="full",
            after=("dependencies", needed) if sanitizer == "thread" else ("dependencies",),
            environment=(("MILLRACE_TESTS", ",".join(SANITIZED)),))
        # Simulations run one thread at a time, so more seeds find nothing more: 2,000 took the thread sanitizer 20 minutes.
        yield Part(
            f"tests, {sanitizer} sanitizer", "swift", ("env", setting, *swift_test(f"{scratch}/debug", *filters)), level="full",
            after=(build,), environment=(("SIMULATION_SEEDS", "200"),))


def mutation_parts():
    """Changes to the code that a test must notice, where there is a program that makes them."""
    if (ROOT / "Tests/mutations/run").exists():
        yield Part("mutations", "check", ("Tests/mutations/run",), level="full", cores=2)


def all_parts(programs=OPTIMISED):
    """Every part, in the order in which they are started."""
    return [
        *preparation(), *swift_parts(programs), *newer_kafka_parts(programs), *package_parts(programs),
        *attack_parts(programs), *extension_parts(programs), *python_parts(), *postgres_parts(programs),
        *sanitizer_parts(), *mutation_parts(),
    ]


def parts(level):
    """What one level runs."""
    return [part for part in all_parts(DEBUG if level == "smoke" else OPTIMISED) if part.runs_in(level)]
