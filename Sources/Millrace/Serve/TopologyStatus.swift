import Catalog
import Foundation

/// A topology as `status` shows it: what is wanted, and what every process says.
struct TopologyStatus: Encodable {
    /// What a topology does, all its processes together.
    enum State: String, Encodable {
        case running, paused, ended, starting, stopping, failed, refused, held
        /// It runs, and something is in the way of its records.
        case waiting
        /// A partition of it stands still, and a person has to decide.
        case halted
        /// A process has not taken up the last change yet.
        case changing
        /// No process runs it.
        case unserved
        /// Of one process: it has been silent for so long that it counts as gone.
        case lost

        /// Whether it does what is wanted of it.
        var isWell: Bool { [.running, .paused, .ended].contains(self) }
        /// Whether it has come to what was wanted of it last, one way or the other.
        var isSettled: Bool { ![.changing, .starting, .stopping, .unserved].contains(self) }
        /// Whether processes are taking up what is wanted.
        var isChange: Bool { [.changing, .starting, .stopping].contains(self) }
        /// Whether it does not, and will not by itself.
        var isBroken: Bool { [.failed, .refused, .held, .halted, .unserved].contains(self) }
        /// Whether it refuses to run.
        var isRefusal: Bool { [.failed, .refused, .held].contains(self) }

        /// What a process says of it.
        init(_ kind: TopologyState.Kind) {
            self =
                switch kind {
                case .starting: .starting
                case .running: .running
                case .stopping: .stopping
                case .paused: .paused
                case .ended: .ended
                case .failed: .failed
                case .refused: .refused
                case .held: .held
                }
        }
    }

    struct Instance: Encodable {
        var daemon: String
        var version: Int
        var state: State
        var reason: String
        var since: String
        var restarts: Int
        var secondsSilent: Double
        var snapshot: RunSnapshot
    }

    var topology: String
    var version: Int
    var wanted: String
    /// The state that counts: the worst of the processes that are there.
    var state: State
    var reason: String
    var changedBy: String
    var changedAt: String
    var settings: RunSettings
    var records: Int64
    var rate: Double
    var lag: Int64?
    var dead: Int64
    var instances: [Instance]

    /// What there is to say of it, the weightiest first; never nothing.
    var reasons: [Reason]

    /// Whether it was changed a moment ago, and what has not come of that yet is on its way.
    private let isUnderWay: Bool

    /// Whether it does what is wanted of it, or is about to. One that stands still for a command for long does not: that
    /// was killed.
    var isWell: Bool {
        if state == .paused { return !reasons.contains(where: \.isTrouble) }
        return state.isWell || (isUnderWay && state.isChange)
    }

    private enum CodingKeys: String, CodingKey {
        case topology, version, wanted, state, reason, changedBy, changedAt, settings, records, rate, lag, dead,
            instances
    }

    /// - Parameters:
    ///   - states: what the processes say that count.
    ///   - peers: what others say.
    init(_ deployment: Deployment, _ states: [TopologyState], peers: [TopologyState] = []) {
        topology = deployment.topology
        version = deployment.version
        wanted = deployment.wanted.rawValue
        changedBy = deployment.changedBy
        changedAt = Moment.text(deployment.changedAt)
        isUnderWay = deployment.isUnderWay
        settings = deployment.settings
        let alive = states.filter { !$0.isLost }
        (state, reason) = Self.verdict(deployment, alive, lost: states.filter(\.isLost))
        let sight = Sight(
            deployment: deployment, alive: alive, lost: states.filter(\.isLost), peers: peers.filter { !$0.isLost })
        reasons = Self.reasons(state, reason, sight)
        if let trouble = reasons.first(where: \.isTrouble) {
            if state == .running { (state, reason) = (.waiting, trouble.text) }
        }
        if state == .paused, !deployment.pausedFor.isEmpty, let first = reasons.first { reason = first.text }
        records = alive.reduce(0) { $0 + $1.snapshot.records }
        rate = alive.reduce(0) { $0 + $1.snapshot.rate }
        dead = alive.reduce(0) { $0 + $1.snapshot.dead }
        let lags = alive.compactMap(\.snapshot.lag)
        lag = lags.isEmpty ? nil : lags.reduce(0, +)
        instances = states.map {
            Instance(
                daemon: $0.daemon, version: $0.version, state: $0.isLost ? .lost : State($0.kind), reason: $0.reason,
                since: Moment.text($0.since), restarts: $0.restarts,
                secondsSilent: ($0.secondsSilent * 10).rounded() / 10, snapshot: $0.snapshot)
        }
    }

    /// The state of all processes together, and why.
    private static func verdict(
        _ deployment: Deployment, _ alive: [TopologyState], lost: [TopologyState]
    ) -> (State, String) {
        guard !alive.isEmpty else {
            if deployment.wanted == .paused { return (.paused, "") }
            let any = lost.isEmpty ? "no process runs it" : "no process that can be heard runs it"
            return (.unserved, "\(any): start millrace serve with this database")
        }
        if let old = alive.first(where: { $0.generation != deployment.generation }) {
            return (.changing, "\(old.daemon) has not taken up version \(deployment.version) yet")
        }
        let halts = alive.flatMap(\.snapshot.troubles).filter { $0.contains("halted: ") }
        if let halt = halts.first, !alive.contains(where: { [.failed, .refused, .held].contains($0.kind) }) {
            return (.halted, halt.replacing("halted: ", with: "", maxReplacements: 1))
        }
        for kind in [TopologyState.Kind.held, .failed, .refused, .stopping, .starting, .running, .ended, .paused] {
            if let found = alive.first(where: { $0.kind == kind }) { return (State(kind), found.reason) }
        }
        return (.unserved, "")
    }

    /// All topologies of a catalogue, or one.
    /// - Throws: `CatalogError` when there is none of that name.
    static func all(_ catalog: inout Catalog, named name: String? = nil) throws -> [TopologyStatus] {
        let deployments = try catalog.deployments().filter { name == nil || $0.topology == name }
        if deployments.isEmpty, let name { throw try catalog.unknown(name) }
        let states = Dictionary(grouping: try catalog.states(of: name), by: \.topology)
        return deployments.map { TopologyStatus($0, states[$0.topology] ?? []) }
    }
}
