import Testing

@testable import WebPage

/// What was is kept for a fixed time in a fixed place.
@Suite struct HistoryTests {
    @Test func aRingKeepsTheNewest() {
        var ring = Ring(count: 4)
        for step in 1...6 { ring.record(Double(step), step: step) }
        #expect(ring.samples(upTo: 6) == [3, 4, 5, 6])
        // The same step, or one before it, changes nothing.
        ring.record(9, step: 6)
        ring.record(9, step: 2)
        #expect(ring.samples(upTo: 6) == [3, 4, 5, 6])
    }

    @Test func whatWasNotMeasuredIsNotKnown() {
        var ring = Ring(count: 5)
        ring.record(1, step: 10)
        ring.record(4, step: 13)
        let found = ring.samples(upTo: 14)
        #expect(found.map { $0.isNaN ? -1 : $0 } == [1, -1, -1, 4, -1])
        ring.record(5, step: 1_000_000)
        #expect(!ring.samples(upTo: 1_000_000).dropLast().contains { !$0.isNaN })
    }

    @Test func minutesAreMeansOfTheirSeconds() {
        var figure = FigureHistory()
        for second in 600..<720 { figure.record(second < 660 ? 2 : Double(second % 2) * 4, second: second) }
        figure.record(0, second: 720)
        #expect(figure.samples(.day, upTo: 720).suffix(3).map { $0.isNaN ? -1 : $0 } == [2, 2, -1])
        #expect(figure.samples(.quarterHour, upTo: 720).count == 900)
    }

    private func topology(_ name: String, nodes: Int) -> TopologyFigures {
        var figures = TopologyFigures(
            name: name, version: 1, state: "running", mood: .well, wanted: "running", changedBy: "me", changedAt: 0)
        figures.nodes = (0..<nodes).map { NodeFigures(name: "node\($0)") }
        return figures
    }

    @Test func thereIsABoundHoweverManyThereAre() {
        var history = PageHistory()
        let many = (0..<200).map { topology("t\($0)", nodes: 20) }
        for second in 1...3 { history.record(many, second: second) }
        #expect(history.topologies.count == PageHistory.topologiesMax)
        #expect(history.topologies.values.reduce(0) { $0 + $1.nodes.count } == PageHistory.nodesMax)
        #expect(PageHistory.bytesMax < 5 << 20)
        // What is gone makes room.
        history.record([topology("new", nodes: 3)], second: 4)
        #expect(history.topologies.keys.sorted() == ["new"])
        #expect(history.topologies["new"]?.nodes.count == 3)
    }

    @Test func ratesAreDifferencesOfCounts() {
        var meter = RateMeter()
        func node(_ entered: Int64, _ left: Int64, _ busy: Double) -> [NodeFigures] {
            var node = NodeFigures(name: "a")
            (node.entered, node.left, node.busySeconds) = (entered, left, busy)
            return [node]
        }
        #expect(meter.measure(node(100, 50, 1), of: "t", at: 10)[0].entering == nil)
        let second = meter.measure(node(300, 150, 1.5), of: "t", at: 12)[0]
        #expect(second.entering == 100 && second.leaving == 50 && second.busy == 0.25)
        // The same report once more.
        #expect(meter.measure(node(300, 150, 1.5), of: "t", at: 12.2)[0].entering == 100)
        // Its process has started anew.
        #expect(meter.measure(node(20, 10, 0.1), of: "t", at: 14)[0].entering == nil)
        #expect(meter.measure(node(40, 20, 0.2), of: "t", at: 15)[0].entering == 20)
    }
}
