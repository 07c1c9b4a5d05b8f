import Catalog
import Dataflow
import Foundation
import Logging
import Platform
import Postgres
import Synchronization

/// Runs the topologies of a catalogue in this process, as long as it is not told to end.
///
/// One thread looks at the catalogue, when it says that something has changed and every few seconds besides, and does what
/// is wanted. When the catalogue's database is away, what runs goes on running.
final class Daemon: Sendable {
    /// Between two looks at how the topologies are.
    private static let look = Duration.milliseconds(200)
    /// The same once nothing has changed for `quiet`.
    private static let lookOfQuiet = Duration.milliseconds(500)
    private static let quiet = Duration.seconds(5)
    /// Between two looks at the catalogue when nothing is said.
    private static let reread = Duration.seconds(5)
    /// Between two reports while something moves.
    private static let report = Duration.seconds(1)
    private static let pauseFirst = Duration.milliseconds(500)
    private static let pauseMax = Duration.seconds(10)

    let name: String
    private let settings: ConnectionSettings
    private let memoryBytes: Int
    private let logger: Logger
    private let hook: AlertHook?
    private let log: ServeLog
    /// Beats with every round of the daemon's thread.
    let pulse = Pulse()
    /// Where the records of what runs can be seen.
    let taps = TapRoom()
    /// Who started this process, if it wants to know how it is.
    private let manager = ServiceManager()
    private let isLeaving = Mutex(false)
    private let left = Mutex<[String: Int64]>([:])
    private let endedInOrder = Mutex(true)

    init(
        _ settings: ConnectionSettings, name: String, memoryBytes: Int, hook: AlertHook?, log: ServeLog, logger: Logger
    ) {
        self.hook = hook
        self.settings = settings
        self.name = name
        self.memoryBytes = memoryBytes
        self.log = log
        self.logger = logger
    }

    /// Runs until the process is told to stop.
    /// - Throws: `PostgresError` when the catalogue can never be read.
    func run() async throws {
        signal(SIGPIPE, SIG_IGN)
        signal(SIGABRT, SIG_DFL)
        CrashNotes.begin(for: name, logger)
        let watch = try StopWatch {
            self.isLeaving.withLock { $0 = true }
            self.manager?.stopping()
        } lastWords: {
            self.lastWords
        }
        defer { watch.end() }
        manager?.ready()
        try await onThread(named: "catalogue") {
            var rounds = Rounds(self)
            try rounds.run()
        }
    }

    /// Whether all topologies have ended in time, once `run` has returned.
    var hasEndedInOrder: Bool { endedInOrder.withLock { $0 } }

    /// Whether it was told to end.
    var isEnding: Bool { isLeaving.withLock { $0 } }

    private var lastWords: String {
        let left = left.withLock { $0.filter { $0.value > 0 } }.sorted { $0.key < $1.key }
        guard !left.isEmpty else { return "nothing that was read is left to be committed" }
        return left.map { "\(ProgressReporter.count($0.value)) records of topology \($0.key)" }.joined(
            separator: " and ")
            + " were read and not committed; they are read again"
    }

    /// The daemon's thread.
    private struct Rounds: ~Copyable {
        private let daemon: Daemon
        private var catalog: Catalog?
        private var nextTry = ContinuousClock.now
        private var pause = Daemon.pauseFirst
        private var isAway = false
        private var cannotKeepLog = false
        private var deployments: [String: Deployment]?
        private var topologies: [String: SupervisedTopology] = [:]
        /// What processes died of before this one began.
        private var crashes: [String: CrashRecord] = [:]
        private var lastRead: ContinuousClock.Instant?
        /// When it was last looked at how the topologies are, and when that was told.
        private var lastLook: ContinuousClock.Instant?
        private var lastReport: ContinuousClock.Instant?
        private var reported: [String: TopologyState] = [:]
        /// When a topology's state changed last, or something was said of what is wanted.
        private var lastChange = ContinuousClock.now
        private var lastTrim = ContinuousClock.now

        init(_ daemon: Daemon) { self.daemon = daemon }

        mutating func run() throws {
            while true {
                daemon.pulse.beat()
                daemon.manager?.beat { status }
                let isLeaving = daemon.isEnding
                try connect(isLeaving)
                read()
                step(isLeaving)
                if isLeaving, topologies.values.allSatisfy(\.supervision.isAtRest) { return leave() }
                tell()
                wait()
            }
        }

        /// How all is, in a line.
        private var status: String {
            if isAway { return "the catalogue cannot be asked; what runs goes on" }
            guard deployments != nil else { return "asks the catalogue" }
            let kinds = Dictionary(grouping: topologies.values, by: { "\($0.kind)" }).mapValues(\.count)
            let counts = kinds.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
            return kinds.isEmpty ? "nothing is deployed" : "topologies: " + counts.joined(separator: ", ")
        }

        private mutating func connect(_ isLeaving: Bool) throws {
            guard catalog == nil, !isLeaving, .now >= nextTry else { return }
            do {
                var fresh = try Catalog(connecting: daemon.settings) { [daemon] in daemon.isLeaving.withLock { $0 } }
                try fresh.listen()
                try fresh.forgetLost()
                if deployments == nil { try begin(&fresh) }
                catalog = consume fresh
                (lastRead, lastLook, lastReport, pause) = (nil, nil, nil, Daemon.pauseFirst)
                if isAway { daemon.logger.notice("The catalogue is there again") }
                isAway = false
            } catch let error as PostgresError
                where deployments == nil && !error.isRetryable && error.kind != .cancelled
            {
                throw error
            } catch {
                lose(error)
            }
        }

        /// Finds out what became of processes before this one, before anything runs.
        private mutating func begin(_ catalog: inout Catalog) throws {
            try Obituary.write(&catalog, own: daemon.name, daemon.logger)
            crashes = try catalog.crashes()
            // Known from here on: it may die of the first topology that it starts.
            try catalog.report(
                daemon: daemon.name, program: Version.text, memoryBytes: daemon.memoryBytes, [], gone: [])
        }

        /// The catalogue cannot be asked: what runs goes on.
        private mutating func lose(_ error: any Error) {
            catalog = nil
            nextTry = .now + pause
            pause = min(pause * 2, Daemon.pauseMax)
            guard !isAway, !daemon.isLeaving.withLock({ $0 }) else { return }
            isAway = true
            daemon.logger.warning(
                "The catalogue cannot be asked; what runs goes on", metadata: ["reason": "\(error)"])
        }

        private mutating func read() {
            guard catalog != nil, lastRead.map({ .now >= $0 + Daemon.reread }) ?? true else { return }
            do {
                let found = try catalog!.deployments()
                deployments = Dictionary(uniqueKeysWithValues: found.map { ($0.topology, $0) })
                lastRead = .now
            } catch {
                lose(error)
            }
        }

        private mutating func step(_ isLeaving: Bool) {
            guard let deployments else { return }
            for name in deployments.keys where topologies[name] == nil {
                topologies[name] = SupervisedTopology(
                    name: name, process: daemon.name, crashes: crashes.removeValue(forKey: name), hook: daemon.hook,
                    taps: daemon.taps, logger: daemon.logger)
            }
            for (name, topology) in topologies.sorted(by: { $0.key < $1.key }) {
                let others = topologies.filter { $0.key != name }.mapValues(\.budget)
                let memory = MemoryShares(limit: daemon.memoryBytes, others: others)
                topology.step(deployments[name], isLeaving: isLeaving, memory) { number in
                    guard catalog != nil else { throw SupervisedTopology.FileOutOfReach() }
                    return try catalog!.version(number, of: name)
                }
                let uncommitted = topology.uncommitted
                daemon.left.withLock { $0[name] = uncommitted }
                if deployments[name] == nil, topology.supervision.isAtRest { topologies[name] = nil }
            }
        }

        /// Tells the catalogue how all is: at once when a topology's state has changed, every second while something moves,
        /// every few seconds otherwise.
        private mutating func tell() {
            guard catalog != nil else { return }
            let hasChanged =
                topologies.values.contains { topology in
                    let last = reported[topology.name]
                    return last?.kind != topology.kind || last?.generation != topology.order.generation
                } || reported.count != topologies.count
            if hasChanged { lastChange = .now }
            guard hasChanged || lastLook.map({ .now >= $0 + Daemon.report }) ?? true else { return }
            lastLook = .now
            let found = topologies.values.map { $0.state(daemon: daemon.name) }.sorted { $0.topology < $1.topology }
            let moves = found.contains { state in
                reported[state.topology].map {
                    $0.snapshot.records != state.snapshot.records || $0.reason != state.reason
                }
                    ?? true
            }
            let isDue = lastReport.map { .now >= $0 + .seconds(CatalogLimits.report) } ?? true
            guard hasChanged || moves || isDue else { return }
            let lines = daemon.log.take()
            do {
                let gone = Set(reported.keys).subtracting(topologies.keys).sorted()
                try catalog!.report(
                    daemon: daemon.name, program: Version.text, memoryBytes: daemon.memoryBytes, found, gone: gone)
                try keep(lines)
                reported = Dictionary(uniqueKeysWithValues: found.map { ($0.topology, $0) })
                lastReport = .now
                for topology in topologies.values {
                    if let version = topology.takeBegun() {
                        try catalog!.forgetGaps(of: topology.name, version: version)
                    }
                }
                if .now >= lastTrim + .seconds(60) {
                    lastTrim = .now
                    for name in topologies.keys { try catalog!.trimLog(of: name) }
                }
            } catch {
                daemon.log.giveBack(lines)
                lose(error)
            }
        }

        /// Stores lines of the log. A database that takes none, for want of space say, still hears how all is.
        private mutating func keep(_ lines: [LogLine]) throws {
            do {
                try catalog!.append(lines)
                cannotKeepLog = false
            } catch let error as PostgresError where error.kind == .server && !error.isConnectionLost {
                daemon.log.giveBack(lines)
                guard !cannotKeepLog else { return }
                cannotKeepLog = true
                daemon.logger.warning("The catalogue does not take the log", metadata: ["reason": "\(error)"])
            }
        }

        private mutating func wait() {
            guard catalog != nil else {
                Thread.sleep(forTimeInterval: Daemon.look / .seconds(1))
                return
            }
            do {
                let pause = .now - lastChange >= Daemon.quiet ? Daemon.lookOfQuiet : Daemon.look
                if try catalog!.waitForChange(until: .now + pause) { (lastRead, lastChange) = (nil, .now) }
            } catch {
                lose(error)
            }
        }

        /// All is committed.
        private mutating func leave() {
            let isOrderly = !topologies.values.contains(where: \.supervision.isAbandoned)
            daemon.endedInOrder.withLock { $0 = isOrderly }
            // A catalogue that is away counts this process as gone by its silence.
            try? catalog?.append(daemon.log.take())
            try? catalog?.signOut(daemon: daemon.name)
        }
    }
}
