// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "millrace-benchmarks",
    dependencies: [.package(name: "millrace", path: "..")],
    targets: [
        .executableTarget(
            name: "SketchBenchmark",
            dependencies: [.product(name: "Sketches", package: "millrace")],
            swiftSettings: [
                .swiftLanguageMode(.v6),
                .enableUpcomingFeature("ExistentialAny"),
                .enableUpcomingFeature("InternalImportsByDefault"),
                .enableUpcomingFeature("MemberImportVisibility"),
                .strictMemorySafety(),
                .treatAllWarnings(as: .error),
            ]
        )
    ]
)
