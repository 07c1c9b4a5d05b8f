import Catalog

/// Whether every topology does in this process what is wanted of it. No clock, no I/O.
struct Readiness: Sendable {
    /// What `/ready` says.
    struct Answer: Encodable {
        struct Topology: Encodable {
            var topology: String
            var state: TopologyStatus.State
            var isReady: Bool
            /// As `why` says them.
            var reasons: [String]
        }
        var isReady: Bool
        var topologies: [Topology]
    }

    /// Records that wait while none is committed, and nothing that says why: for so long this may be the time between two
    /// commits or two looks.
    static let stillness = Duration.seconds(30)

    private let process: String
    /// What was committed when something was committed last.
    private var committed: [String: (records: Int64, since: ContinuousClock.Instant)] = [:]

    init(process: String) { self.process = process }

    /// How all that is deployed is in this process.
    mutating func answer(
        _ deployments: [Deployment], _ states: [TopologyState], at now: ContinuousClock.Instant
    ) -> Answer {
        let own = Dictionary(grouping: states.filter { $0.daemon == process }, by: \.topology)
        let topologies = deployments.map { deployment in
            let status = TopologyStatus(deployment, own[deployment.topology] ?? [])
            return topology(status, at: now)
        }
        let names = Set(deployments.map(\.topology))
        committed = committed.filter { names.contains($0.key) }
        return Answer(isReady: topologies.allSatisfy(\.isReady), topologies: topologies)
    }

    private mutating func topology(_ status: TopologyStatus, at now: ContinuousClock.Instant) -> Answer.Topology {
        let last = committed[status.topology]
        if last == nil || last?.records != status.records { committed[status.topology] = (status.records, now) }
        let stillness = now - (committed[status.topology]?.since ?? now)
        let why = Why.answer(status)
        // It runs, and waits for nothing that it could name.
        let isUnexplained = status.isWell && status.instances.allSatisfy(\.snapshot.troubles.isEmpty)
        let isReady = why.isWell || isUnexplained && stillness < Self.stillness
        return Answer.Topology(
            topology: status.topology, state: status.state, isReady: isReady, reasons: why.reasons)
    }
}
