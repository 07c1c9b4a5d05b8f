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

    private let process: String

    init(process: String) { self.process = process }

    /// How all that is deployed is in this process.
    func answer(_ deployments: [Deployment], _ states: [TopologyState]) -> Answer {
        let all = Dictionary(grouping: states, by: \.topology)
        let topologies = deployments.map { deployment in
            let states = all[deployment.topology] ?? []
            let status = TopologyStatus(
                deployment, states.filter { $0.daemon == process }, peers: states.filter { $0.daemon != process })
            // What is about to run is well, and not ready for that.
            return Answer.Topology(
                topology: status.topology, state: status.state, isReady: status.isWell && !status.state.isChange,
                reasons: status.reasons.map(\.text))
        }
        return Answer(isReady: topologies.allSatisfy(\.isReady), topologies: topologies)
    }
}
