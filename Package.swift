// swift-tools-version: 6.2
// Targets stand in the order an event meets them; the dependency graph is the architecture (docs/ARCHITECTURE.md).
import PackageDescription

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
]

/// Tests that start programs, ask services and compare texts: optimising them takes longer than it saves.
let waiting = strict + [.unsafeFlags(["-Onone"], .when(configuration: .release))]

let package = Package(
    name: "millrace",
    products: [
        .executable(name: "millrace", targets: ["Millrace"]),
        .library(name: "Sketches", targets: ["Sketches"]),
        // For the benchmarks.
        .library(name: "Postgres", targets: ["Postgres"]),
        .library(name: "Lookups", targets: ["Lookups"]),
    ],
    // Exact versions, so that every machine and the image build the same program; CONTRIBUTING.md says how to raise one.
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
        // What the one before needs, named for the sake of its version.
        .package(url: "https://github.com/apple/swift-async-algorithms.git", exact: "1.1.4"),
        .package(url: "https://github.com/apple/swift-collections.git", exact: "1.6.0"),
    ],
    targets: [
        // C edge: module maps and shims
        .systemLibrary(name: "CRdKafka", pkgConfig: "rdkafka", providers: [.apt(["librdkafka-dev"])]),
        .systemLibrary(name: "CLibPQ", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CMaxMindDB", pkgConfig: "libmaxminddb", providers: [.apt(["libmaxminddb-dev"])]),
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CMalloc"),
        .systemLibrary(name: "CPrefetch"),
        .target(name: "CFault"),
        .target(
            name: "CSimdJSON",
            linkerSettings: [.linkedLibrary("simdjson")]
        ),
        .target(
            name: "CRE2",
            linkerSettings: [.linkedLibrary("re2")]
        ),

        // What has nothing to do with streams
        .target(name: "Platform", dependencies: ["CFault"], swiftSettings: strict),

        // Drivers: one C library each, made safe
        .target(name: "Kafka", dependencies: ["CRdKafka", "Platform"], swiftSettings: strict),
        .target(name: "JSON", dependencies: ["CSimdJSON"], swiftSettings: strict),
        .target(name: "Postgres", dependencies: ["CLibPQ", "Platform"], swiftSettings: strict),
        .target(name: "Zlib", dependencies: ["CZlib"], swiftSettings: strict),
        .target(name: "MaxMind", dependencies: ["CMaxMindDB"], swiftSettings: strict),

        // Pure
        .target(name: "Sketches", dependencies: ["CMalloc", "CPrefetch"], swiftSettings: strict),

        .target(name: "Lookups", dependencies: ["CPrefetch", "Platform", "Sketches"], swiftSettings: strict),
        .target(name: "Catalog", dependencies: ["Postgres"], swiftSettings: strict),
        .target(
            name: "WebAPI", dependencies: ["COpenSSL", "Platform"], resources: [.embedInCode("openapi.json")],
            swiftSettings: strict),
        .target(
            name: "WebPage", dependencies: ["Catalog", "WebAPI"],
            resources: [.embedInCode("Look/page.css"), .embedInCode("Look/page.js"), .embedInCode("Look/icon.svg")],
            swiftSettings: strict),
        .target(
            name: "LookupSources", dependencies: ["Platform", "Lookups", "JSON", "Postgres", "Zlib"],
            swiftSettings: strict),

        // Engine
        .target(
            name: "Dataflow",
            dependencies: ["Platform", .product(name: "Logging", package: "swift-log")],
            swiftSettings: strict
        ),
        .target(
            name: "Declaration",
            dependencies: ["Platform", "Dataflow", .product(name: "Logging", package: "swift-log")],
            swiftSettings: strict),
        .target(
            name: "Expressions", dependencies: ["CRE2", "Platform", "Dataflow", "Declaration"], swiftSettings: strict),
        .target(
            name: "Summaries",
            dependencies: ["CPrefetch", "Platform", "Dataflow", "Declaration", "Sketches", "Expressions"],
            swiftSettings: strict),
        .target(
            name: "Nodes",
            dependencies: [
                "Platform", "Dataflow", "Declaration", "Sketches", "Expressions", "Summaries", "Kafka", "JSON",
                "Postgres", "Lookups", "LookupSources", "MaxMind", "Zlib",
                .product(name: "Logging", package: "swift-log"),
            ],
            resources: [
                .embedInCode("Sink/SQL/percentiles.sql"), .embedInCode("Sink/SQL/percentiles_decode.sql"),
                .embedInCode("Sink/SQL/percentiles_quick.sql"), .embedInCode("Sink/SQL/percentiles_merge.sql"),
                .embedInCode("Sink/SQL/percentiles_read.sql"),
                .embedInCode("Sink/SQL/percentiles_charts.sql"), .embedInCode("Sink/SQL/uniques.sql"),
                .embedInCode("Sink/SQL/uniques_merge.sql"), .embedInCode("Sink/SQL/uniques_read.sql"),
                .embedInCode("Sink/SQL/sums.sql"), .embedInCode("Sink/SQL/freshness.sql"),
                .embedInCode("Sink/SQL/top.sql"),
                .embedInCode("Sink/SQL/top_merge.sql"), .embedInCode("Sink/SQL/top_read.sql"),
            ],
            swiftSettings: strict
        ),
        .target(
            name: "TopologyFile",
            dependencies: ["Platform", "Dataflow", "Declaration", .product(name: "Yams", package: "Yams")],
            swiftSettings: strict
        ),

        // Programs
        .target(name: "EventGenerator", dependencies: ["Platform"], swiftSettings: strict),
        .target(name: "LocalServices", dependencies: ["Kafka", "Postgres", "Platform"], swiftSettings: strict),
        .executableTarget(
            name: "Millrace",
            dependencies: [
                "Platform", "Dataflow", "Declaration", "Expressions", "Summaries", "Nodes", "TopologyFile",
                "EventGenerator", "LocalServices", "Kafka", "Postgres", "JSON", "CMalloc", "Catalog", "WebAPI",
                "WebPage",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                // Imported by nobody here: a package without a user would be warned about.
                .product(name: "AsyncAlgorithms", package: "swift-async-algorithms"),
                .product(name: "DequeModule", package: "swift-collections"),
            ],
            resources: [.embedInCode("Demo/game_kpis.yaml")],
            swiftSettings: strict
        ),

        // Tests
        .target(
            name: "DataflowTesting",
            dependencies: ["Platform", "Dataflow", .product(name: "Logging", package: "swift-log")],
            swiftSettings: strict),
        .target(
            name: "PlatformTesting", dependencies: [.product(name: "Logging", package: "swift-log")],
            swiftSettings: strict),
        .target(name: "MaxMindTesting", swiftSettings: strict),
        .target(name: "ZlibTesting", swiftSettings: strict),
        .executableTarget(name: "simulate", dependencies: ["DataflowTesting", "Platform"], swiftSettings: strict),
        .target(
            name: "SummariesTesting",
            dependencies: ["Platform", "Dataflow", "Declaration", "Expressions", "Sketches", "Summaries"],
            swiftSettings: strict),
        .testTarget(name: "PlatformTests", dependencies: ["Platform"], swiftSettings: waiting),
        .testTarget(name: "SketchesTests", dependencies: ["Sketches", "Platform"], swiftSettings: strict),
        .testTarget(name: "LookupsTests", dependencies: ["Lookups", "Platform"], swiftSettings: strict),
        .testTarget(
            name: "CatalogTests", dependencies: ["Catalog", "Postgres", "LocalServices", "Platform"],
            swiftSettings: waiting),
        .testTarget(
            name: "WebAPITests", dependencies: ["WebAPI", "Platform", "PlatformTesting"], swiftSettings: waiting),
        .testTarget(name: "WebPageTests", dependencies: ["WebPage", "WebAPI", "Catalog"], swiftSettings: waiting),
        .testTarget(
            name: "LookupSourcesTests",
            dependencies: ["LookupSources", "Lookups", "Postgres", "LocalServices", "Platform", "ZlibTesting"],
            swiftSettings: waiting),
        .testTarget(
            name: "MaxMindTests", dependencies: ["MaxMind", "MaxMindTesting", "Platform"], swiftSettings: waiting),
        .testTarget(name: "ZlibTests", dependencies: ["Zlib", "ZlibTesting"], swiftSettings: strict),
        .testTarget(name: "JSONTests", dependencies: ["JSON", "Platform"], swiftSettings: strict),
        .testTarget(
            name: "PostgresTests", dependencies: ["Postgres", "LocalServices", "Sketches", "Platform"],
            swiftSettings: waiting),
        .testTarget(
            name: "KafkaTests", dependencies: ["Kafka", "LocalServices", "Platform", "PlatformTesting"],
            swiftSettings: waiting),
        .testTarget(
            name: "DataflowTests", dependencies: ["Dataflow", "DataflowTesting", "Platform"], swiftSettings: waiting),
        .testTarget(
            name: "DeclarationTests",
            dependencies: [
                "Declaration", "Dataflow", "TopologyFile", "Platform", .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: waiting),
        .testTarget(
            name: "ExpressionsTests",
            dependencies: [
                "Expressions", "Declaration", "Dataflow", "DataflowTesting", "LocalServices", "Postgres", "Platform",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "SummariesTests",
            dependencies: [
                "Summaries", "Expressions", "Declaration", "Sketches", "Dataflow", "DataflowTesting",
                "SummariesTesting",
                "Platform",
            ],
            swiftSettings: strict),
        .testTarget(name: "EventGeneratorTests", dependencies: ["EventGenerator", "Platform"], swiftSettings: strict),
        .testTarget(
            name: "NodesTests",
            dependencies: [
                "Nodes", "Summaries", "Expressions", "Declaration", "Dataflow", "JSON", "Kafka", "Postgres", "Sketches",
                "Lookups", "LookupSources", "MaxMind", "MaxMindTesting", "TopologyFile", "DataflowTesting",
                "ZlibTesting",
                "SummariesTesting", "LocalServices", "Platform", "PlatformTesting",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: waiting
        ),
        .testTarget(
            name: "TopologyFileTests", dependencies: ["TopologyFile", "Dataflow", "Declaration", "Nodes", "Platform"],
            swiftSettings: waiting),
        .testTarget(
            name: "MillraceTests",
            dependencies: [
                "Millrace", "Nodes", "Declaration", "TopologyFile", "EventGenerator", "Platform", "PlatformTesting",
                "WebAPI",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            exclude: ["Broken"], swiftSettings: waiting),
        .testTarget(
            name: "SimulationTests",
            dependencies: ["Dataflow", "DataflowTesting", "Platform", .product(name: "Logging", package: "swift-log")],
            swiftSettings: strict),
        .testTarget(
            name: "QueryTests",
            dependencies: [
                "Millrace", "Nodes", "Declaration", "Dataflow", "TopologyFile", "Postgres", "LocalServices", "Platform",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: waiting),
        .testTarget(
            name: "IntegrationTests",
            dependencies: ["LocalServices", "Postgres", "Kafka", "Sketches", "Millrace", "Platform"],
            swiftSettings: waiting
        ),
    ],
    cxxLanguageStandard: .cxx17
)

// Some test targets with what they stand on and nothing else: a sanitizer looks at few, and the rest takes minutes to build.
if let names = Context.environment["MILLRACE_TESTS"]?.split(separator: ",").map(String.init) {
    let targets = Dictionary(uniqueKeysWithValues: package.targets.map { ($0.name, $0) })
    var needed: Set<String> = []
    var packages: Set<String> = []
    func need(_ name: String) {
        guard let target = targets[name] else { fatalError("MILLRACE_TESTS: there is no target \(name)") }
        guard needed.insert(name).inserted else { return }
        for dependency in target.dependencies {
            switch dependency {
            case .targetItem(let name, _), .byNameItem(let name, _): need(name)
            case .productItem(_, let package, _, _): packages.insert(package ?? "")
            @unknown default: fatalError("MILLRACE_TESTS: \(name) depends on something unknown")
            }
        }
    }
    names.forEach(need)
    package.targets.removeAll { !needed.contains($0.name) }
    package.products = []
    package.dependencies.removeAll { dependency in
        guard case .sourceControl(_, let location, _) = dependency.kind else { return false }
        return !packages.contains { location.hasSuffix("/\($0)") || location.hasSuffix("/\($0).git") }
    }
}
