import Catalog
import Foundation

/// What `top` remembers from look to look: rates that nobody else keeps.
struct TopHistory {
    /// Looks that are remembered.
    static let looksMax = 120

    /// The figures of one look.
    struct Look {
        var statuses: [TopologyStatus]
        var moment: Date
    }

    /// Records a second that a node got and handed on, all processes together.
    struct Flow: Equatable {
        var entered: Double
        var left: Double
    }

    /// The last look, nil before the first.
    private(set) var last: Look?
    private var rates: [String: [Double]] = [:]
    private var flows: [String: [String: Flow]] = [:]

    /// Takes in a look.
    mutating func note(_ look: Look) {
        for status in look.statuses {
            rates[status.topology, default: []].append(status.rate)
            let surplus = (rates[status.topology]?.count ?? 0) - Self.looksMax
            if surplus > 0 { rates[status.topology]?.removeFirst(surplus) }
            let before = last?.statuses.first { $0.topology == status.topology }
            let seconds = last.map { look.moment.timeIntervalSince($0.moment) } ?? 0
            flows[status.topology] = before.map { Self.flows(of: status, since: $0, seconds) }
        }
        last = look
    }

    /// Records a second at each look, the latest at the end.
    func rates(of topology: String) -> [Double] { rates[topology] ?? [] }

    /// What went through a node since the look before; nil when that is not known.
    func flow(of node: String, in topology: String) -> Flow? { flows[topology]?[node] }

    /// A process that is new, or that began again, is left out: what it has counted was not counted in that time.
    private static func flows(
        of status: TopologyStatus, since before: TopologyStatus, _ seconds: Double
    ) -> [String: Flow] {
        guard seconds > 0 else { return [:] }
        var flows: [String: Flow] = [:]
        for instance in status.instances {
            guard let earlier = before.instances.first(where: { $0.daemon == instance.daemon }) else { continue }
            for node in instance.snapshot.nodes {
                guard let old = earlier.snapshot.nodes.first(where: { $0.name == node.name }),
                    node.entered >= old.entered, node.left >= old.left
                else { continue }
                var flow = flows[node.name] ?? Flow(entered: 0, left: 0)
                flow.entered += Double(node.entered - old.entered) / seconds
                flow.left += Double(node.left - old.left) / seconds
                flows[node.name] = flow
            }
        }
        return flows
    }
}
