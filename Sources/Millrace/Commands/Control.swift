import ArgumentParser
import Catalog
import Dataflow
import Declaration
import Foundation
import TopologyFile

/// What `pause`, `resume`, `restart`, `remove`, `scale` and `rollback` share: they change one topology, and say how it is
/// then.
struct ControlAnswer: Encodable, Sendable {
    var topology: String
    var outcome: String
    /// nil when it is no longer deployed.
    var state: TopologyStatus.State?
    var reason: String

    /// Changes something, and waits until all processes have taken it up.
    /// - Parameter opposite: the state that says that somebody has wanted something else since.
    static func run(
        _ topology: String, _ options: CatalogOptions, wait: Duration, opposite: TopologyStatus.State? = nil,
        _ change: @escaping @Sendable (inout Catalog) throws -> String
    ) async throws {
        let answer = try await options.withCatalog { catalog in
            let outcome = try change(&catalog)
            let status = try Settling.wait(for: [topology], &catalog, wait).first
            return ControlAnswer(
                topology: topology, outcome: outcome, state: status?.state, reason: status?.reason ?? "")
        }
        if options.json {
            JSONAnswer.print(answer)
        } else {
            print(
                "\(answer.topology): \(answer.outcome)" + (answer.state.map { ", \($0)" } ?? "")
                    + (answer.reason.isEmpty ? "" : ": \(answer.reason)"))
        }
        if answer.state?.isRefusal == true || opposite != nil && answer.state == opposite { throw ExitCode(1) }
    }
}

/// The topology that a command changes, and how long it waits until that is done.
struct ControlOptions: ParsableArguments {
    @Argument(help: "The topology.")
    var topology: String

    @Option(help: ArgumentHelp("How long to wait until it is done.", valueName: "duration"))
    var wait = TimeLength(argument: "30s")!

    @OptionGroup var catalog: CatalogOptions

    func run(
        opposite: TopologyStatus.State? = nil, _ change: @escaping @Sendable (inout Catalog) throws -> String
    ) async throws {
        try await ControlAnswer.run(topology, catalog, wait: wait.duration, opposite: opposite, change)
    }
}

/// `millrace pause`
struct Pause: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Have a topology commit what it has read, and stop until it is resumed.")

    @OptionGroup var options: ControlOptions

    func run() async throws {
        let topology = options.topology
        try await options.run(opposite: .running) { catalog in
            try Self.change(topology, &catalog, CatalogOptions.person)
        }
    }

    static func change(_ topology: String, _ catalog: inout Catalog, _ person: String) throws -> String {
        try catalog.set(topology, to: .paused, by: person) ? "pausing" : "paused already"
    }
}

/// `millrace resume`
struct Resume: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Have a paused topology go on where it stopped.")

    @OptionGroup var options: ControlOptions

    func run() async throws {
        let topology = options.topology
        try await options.run(opposite: .paused) { catalog in try Self.change(topology, &catalog, CatalogOptions.person)
        }
    }

    static func change(_ topology: String, _ catalog: inout Catalog, _ person: String) throws -> String {
        try catalog.set(topology, to: .running, by: person) ? "resumed" : "not paused"
    }
}

/// `millrace restart`
struct Restart: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Have a topology stop in order and begin again, in every process.",
        discussion: "Also tries one at once that failed, was refused or is held.")

    @OptionGroup var options: ControlOptions

    func run() async throws {
        let topology = options.topology
        try await options.run { catalog in try Self.change(topology, &catalog, CatalogOptions.person) }
    }

    static func change(_ topology: String, _ catalog: inout Catalog, _ person: String) throws -> String {
        try catalog.restart(topology, by: person)
        return "restarted"
    }
}

/// `millrace remove`
struct Remove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Take a topology out of the catalogue: it stops in order and does not come back.",
        discussion: """
            Its tables, positions and versions stay; deploying it again goes on where it stopped. --drop may come later, too.
            """)

    @OptionGroup var options: ControlOptions

    @Flag(help: "Of what stands beside a topology, such as kpis@4: drop its tables and forget its positions too.")
    var drop = false

    func validate() throws {
        if drop, Rebuild(name: options.topology) == nil {
            throw ValidationError("--drop is for what stands beside a topology, such as \(options.topology)@4")
        }
    }

    func run() async throws {
        let (topology, rebuild) = (options.topology, drop ? Rebuild(name: options.topology) : nil)
        try await options.run { catalog in
            guard let rebuild else {
                try catalog.remove(topology)
                return "removed from the catalogue"
            }
            guard try catalog.deployments().contains(where: { $0.topology == topology }) else {
                guard try catalog.hasLeft(rebuild) else { throw try catalog.unknown(topology) }
                try Settling.waitUntilGone(topology, &catalog)
                try catalog.drop(rebuild, nil)
                return "was removed before, its tables dropped"
            }
            // If it goes no further, it stays paused: nobody wants it to run.
            _ = try catalog.set(topology, to: .paused, by: CatalogOptions.person)
            let base = try Settling.stop(topology, for: "remove", by: CatalogOptions.person, &catalog)
            try catalog.drop(rebuild, base)
            return "removed, its tables dropped"
        }
    }
}

/// `millrace scale`
struct Scale: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Change how many threads, how much memory or how many permits a topology has in each process.",
        discussion: """
            Holds until it is changed again, for later versions too. Processes begin the topology again for it, except for \
            --cluster-concurrency, which they take up as they go.
            """)

    @OptionGroup var options: ControlOptions

    @Option(help: "Threads that run operators.")
    var workers: Int?

    @Option(help: ArgumentHelp("The memory budget.", valueName: "size"))
    var memory: ByteSize?

    @Option(help: ArgumentHelp("Permits of a node: node=number; may be given several times.", valueName: "node=number"))
    var concurrency: [NodePermits] = []

    @Option(
        help: ArgumentHelp(
            "Permits of a node in all processes together: node=number; may be given several times.",
            valueName: "node=number"))
    var clusterConcurrency: [NodePermits] = []

    func validate() throws {
        if workers == nil, memory == nil, concurrency.isEmpty, clusterConcurrency.isEmpty {
            throw ValidationError(
                "nothing to change: give --workers, --memory, --concurrency or --cluster-concurrency")
        }
        if let workers, !(1...256).contains(workers) { throw ValidationError("--workers: 1 to 256") }
    }

    func run() async throws {
        let (topology, memory) = (options.topology, memory)
        let permits = Dictionary(concurrency.map { ($0.node, $0.permits) }) { $1 }
        let shared = Dictionary(clusterConcurrency.map { ($0.node, $0.permits) }) { $1 }
        let settings = RunSettings(
            workers: workers, memoryBytes: memory?.bytes, concurrency: permits.isEmpty ? nil : permits,
            clusterConcurrency: shared.isEmpty ? nil : shared)
        let end = ContinuousClock.now + options.wait.duration
        try await options.run { catalog in
            if let memory { try Self.check(memory, of: topology) }
            let isRunning = try catalog.deployments().contains { $0.topology == topology && $0.wanted == .running }
            // One that has to stop for a change should be able to start again.
            let processes =
                isRunning && settings.memoryBytes != nil
                ? try MemoryShares.ofProcesses(without: topology, &catalog) : [:]
            _ = try catalog.set(topology, settings, by: CatalogOptions.person) { settings, version in
                try Self.check(settings, permits, shared, version.file, of: topology)
                try Self.check(settings.memoryBytes ?? 0, in: processes, of: topology)
            }
            return try Self.waitUntilTold(shared, of: topology, &catalog, until: end) ? "scaled" : "will be scaled"
        }
    }

    /// Waits until every process that runs a topology has heard of permits.
    /// - Returns: false when one has not in time.
    private static func waitUntilTold(
        _ permits: [String: Int], of topology: String, _ catalog: inout Catalog, until end: ContinuousClock.Instant
    ) throws -> Bool {
        while true {
            let running = try catalog.states(of: topology).filter { !$0.isLost && $0.kind == .running }
            let isTold = running.flatMap(\.snapshot.nodes).allSatisfy { node in
                node.permits?.told == permits[node.name] || permits[node.name] == nil
            }
            if isTold { return true }
            guard .now < end else { return false }
            try Settling.checkInterruption()
            Thread.sleep(forTimeInterval: 0.1)
        }
    }

    /// Whether a file may say so, too.
    private static func check(_ memory: ByteSize, of topology: String) throws {
        let allowed = Limits.memoryMin...(1 << 40)
        guard !allowed.contains(memory.bytes) else { return }
        let (least, most) = (Int64(allowed.lowerBound), Int64(allowed.upperBound))
        throw Refusal(
            description: "topology \(topology): memory of \(Quantity.describe(size: Int64(memory.bytes))), expected "
                + "\(Quantity.describe(size: least)) to \(Quantity.describe(size: most)), as in a file")
    }

    /// Whether every process has so much memory for a topology.
    private static func check(_ bytes: Int, in processes: [String: MemoryShares], of topology: String) throws {
        for (process, memory) in processes.sorted(by: { $0.key < $1.key }) where !memory.hasRoom(for: bytes) {
            throw Refusal(
                description: "topology \(topology): nothing is changed, for it could not start in \(process): "
                    + memory.complaint(bytes))
        }
    }

    /// Whether a topology could run with settings.
    /// - Parameters:
    ///   - settings: those that are to hold, what was given before among them. Permits of nodes that the file no longer has
    ///     may be too, and do no harm.
    ///   - permits: those that are given now.
    ///   - shared: those of all processes together that are given now.
    private static func check(
        _ settings: RunSettings, _ permits: [String: Int], _ shared: [String: Int], _ file: String,
        of topology: String
    ) throws {
        let overrides = RunOverrides(memoryBytes: settings.memoryBytes, workers: settings.workers)
        let (found, diagnostics) = TopologyLoader(overrides: overrides, needsEnds: false).load(
            text: file, from: topology)
        guard let found else { throw diagnostics }
        try found.checkMemory(overrides)
        let nodes = found.stages.map(\.name)
        for node in permits.keys.sorted() where !nodes.contains(node) {
            throw Refusal(
                description: "topology \(topology) has no operator \(node), expected one of "
                    + nodes.sorted().joined(separator: ", "))
        }
        let sharing = found.stages.filter { $0.clusterConcurrency != nil }.map(\.name)
        for node in shared.keys.sorted() where !sharing.contains(node) {
            throw Refusal(
                description: "topology \(topology): node \(node) shares no permits, expected "
                    + (sharing.isEmpty
                        ? "a node with cluster_concurrency, and there is none"
                        : "one of \(sharing.sorted().joined(separator: ", "))")
                    + "; give the node cluster_concurrency in the file and deploy it")
        }
    }
}

/// `node=number`
struct NodePermits: ExpressibleByArgument {
    var node: String
    var permits: Int

    init?(argument: String) {
        let parts = argument.split(separator: "=", maxSplits: 1)
        guard parts.count == 2, let number = Int(parts[1]), (1...256).contains(number) else { return nil }
        (node, permits) = (String(parts[0]), number)
    }
}

/// `millrace rollback`
struct Rollback: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make an earlier version of a topology what runs, as a new version.",
        discussion: """
            Rows that the version after it has written stay. What the tables would refuse is not deployed; millrace list \
            TOPOLOGY --file VERSION prints the file of an earlier version, for millrace plan.
            """)

    @OptionGroup var options: ControlOptions

    @Option(help: "The version; the one before the deployed one unless given.")
    var to: Int?

    @Flag(help: "Accept tables that lack what was read before: they count from here, at this version's first start.")
    var fromNow = false

    func run() async throws {
        let (topology, to, fromNow) = (options.topology, to, fromNow)
        try await options.run { catalog in
            try Self.perform(topology, to: to, acceptsGaps: fromNow, by: CatalogOptions.person, &catalog)
        }
    }

    /// Deploys an earlier version again.
    /// - Parameters:
    ///   - to: the version, nil for the one before the deployed one.
    ///   - acceptsGaps: whether tables may lack something of what was read before.
    static func perform(
        _ topology: String, to: Int?, acceptsGaps: Bool = false, by person: String, _ catalog: inout Catalog
    ) throws -> String {
        guard let current = try catalog.deployments().first(where: { $0.topology == topology }) else {
            throw try catalog.unknown(topology)
        }
        // Numbers of rebuilds are left out.
        guard
            let number = try to
                ?? catalog.versions(of: topology).first(where: { $0.version < current.version })?.version
        else {
            throw Refusal(
                description: "topology \(topology): version \(current.version) is the first; there is nothing before it"
            )
        }
        let old = try catalog.version(number, of: topology)
        // It may have been renamed since.
        let file = try RenameCommand.earlier(old.file, of: topology)
        try Deploy.tryOut(topology, file, earlier: old.version, acceptsGaps: acceptsGaps, &catalog)
        let outcome = try catalog.deploy(
            topology, file: file, note: "version \(old.version) again", acceptsGaps: acceptsGaps, by: person)
        switch outcome {
        case .unchanged(let version): return "version \(version) is what is deployed"
        case .deployed(let version, _): return "version \(version), which is version \(old.version) again"
        }
    }
}
