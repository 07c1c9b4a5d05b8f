// swift-tools-version: 6.2
// Measurements apart from the product, so that building Millrace builds none of them.
import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
    name: "benchmarks",
    dependencies: [.package(name: "millrace", path: "..")],
    targets: [
        .executableTarget(
            name: "SketchBenchmark",
            dependencies: [.product(name: "Sketches", package: "millrace")],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "LookupBenchmark",
            dependencies: [
                .product(name: "Postgres", package: "millrace"), .product(name: "Lookups", package: "millrace"),
            ],
            swiftSettings: settings
        ),
    ]
)
