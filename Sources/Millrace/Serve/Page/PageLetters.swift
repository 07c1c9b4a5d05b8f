import Catalog
import Foundation
import WebPage

/// The dead letters of a topology, for the page.
struct PageLetters {
    private static let lettersMax = 5
    private static let buckets = 120

    private let request: PageRequest
    private let topology: TopologyFigures

    init(_ request: PageRequest, _ topology: TopologyFigures) {
        self.request = request
        self.topology = topology
    }

    /// The letters that a form means; nil when it would mean all of them.
    static func choice(_ form: [String: String], of topology: String) -> DeadLetterChoice? {
        let choice = DeadLetterChoice(
            topology: topology, cause: form["cause"], node: form["node"], field: form["field"])
        return choice.cause == nil && choice.node == nil && choice.field == nil ? nil : choice
    }

    /// - Throws: `PostgresError`, also when there are more letters than can be counted in the time for it.
    func page(
        _ catalog: inout Catalog, before deadline: ContinuousClock.Instant
    ) throws -> DeadLettersPage {
        // Three statements look at all letters, or may.
        try catalog.reading(within: (deadline - .now) / .seconds(3), read)
    }

    private func read(_ catalog: inout Catalog) throws -> DeadLettersPage {
        let groups = try catalog.deadLetters(of: topology.name)
        var page = DeadLettersPage(request: request, topology: topology, groups: groups)
        let query = request.query
        let asked = groups.first { group in
            group.cause == query["cause"] && group.node == query["node"] && group.field == query["field"]
        }
        guard let chosen = asked ?? groups.first else { return page }
        page.chosen = chosen
        let choice = DeadLetterChoice(
            topology: topology.name, cause: chosen.cause, node: chosen.node, field: chosen.field)
        page.letters = try catalog.deadLetters(choice, count: Self.lettersMax).map { letter in
            var letter = letter
            letter.reason = Redaction.redacted(letter.reason)
            return letter
        }
        if let first = chosen.first, let last = chosen.last {
            page.times = try Self.chart(choice, first, last, &catalog)
        }
        return page
    }

    private static func chart(
        _ choice: DeadLetterChoice, _ first: Int64, _ last: Int64, _ catalog: inout Catalog
    ) throws -> Chart {
        let second: Int64 = 1_000_000
        let span = max(60 * second, last - first + second)
        let step = (span + Int64(buckets) - 1) / Int64(buckets)
        let counts = try catalog.deadLetterCounts(choice, from: first, step: step, buckets: buckets)
        var chart = Chart(
            title: "When they were written", kind: .bars,
            lines: [.init(name: "", values: counts.map(Double.init))], from: Double(first) / 1e6,
            to: Double(first + step * Int64(buckets)) / 1e6)
        chart.endsNow = false
        return chart
    }
}
