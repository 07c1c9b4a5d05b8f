import Testing

@testable import WebPage

/// Numbers as shapes.
@Suite struct ShapeTests {
    @Test func axesEndAtRoundNumbers() {
        let expected: [(Double, Double)] = [
            (0, 1), (.nan, 1), (0.3, 0.5), (1, 1), (1.01, 2), (4.9, 5), (5.1, 10), (99, 100), (100, 100), (101, 200),
        ]
        for (value, top) in expected { #expect(Shape.ceiling(value) == top, "\(value)") }
        for (value, top) in [(0.0, 1.0), (1_024, 1_024), (1_025, 1_536), (1_600, 2_048)] {
            #expect(Shape.binaryCeiling(value) == top, "\(value)")
        }
    }

    @Test func gapsStayGaps() {
        let values = [0, 1, .nan, 2, .nan, 3, 4]
        #expect(
            Shape.line(values, top: 4, width: 60, height: 40) == "M0 40L10 30M30 20h1M50 10L60 0")
        #expect(Shape.area(values, top: 4, width: 60, height: 40).contains("M50 10L60 0V40H50Z"))
        #expect(Shape.line([.nan, .nan], top: 1, width: 10, height: 10) == "")
        #expect(Shape.thinned([1, 3, .nan, .nan, 5, 7], to: 3).map { $0.isNaN ? -1 : $0 } == [2, -1, 6])
    }

    private func portrait(_ nodes: [(String, TopologyPortrait.Role, [Int])]) -> TopologyPortrait {
        TopologyPortrait(
            nodes: nodes.map {
                .init(name: $0, type: "type", role: $1, inputs: $2, firstLine: 1, declaration: "")
            })
    }

    @Test func nodesStandRightOfWhatTheyRead() {
        let graph = portrait([
            ("a", .source, []), ("b", .source, []), ("parse", .operator, [0, 1]), ("left", .operator, [2]),
            ("right", .operator, [2]), ("sink", .sink, [3]), ("other", .sink, [4]),
        ])
        let layout = GraphLayout(graph)
        for (index, node) in graph.nodes.enumerated() {
            for input in node.inputs { #expect(layout.places[input].x < layout.places[index].x) }
        }
        // No two boxes meet.
        for a in layout.places.indices {
            for b in layout.places.indices where b > a {
                let apart =
                    abs(layout.places[a].x - layout.places[b].x) >= GraphLayout.box.width
                    || abs(layout.places[a].y - layout.places[b].y) >= GraphLayout.box.height
                #expect(apart, "\(graph.nodes[a].name) and \(graph.nodes[b].name)")
            }
        }
        #expect(layout.places.allSatisfy { $0.x >= 0 && $0.y >= 0 && $0.x < layout.width && $0.y < layout.height })
        #expect(GraphLayout(portrait([])).places.isEmpty)
    }

    private var graph: TopologyPortrait {
        portrait([("in", .source, []), ("parse", .operator, [0]), ("sum", .operator, [1]), ("out", .sink, [2])])
    }

    private func figures(rate: Double, lag: Int64?, busy: [Double], committing: Double?) -> TopologyFigures {
        var figures = TopologyFigures(
            name: "t", version: 1, state: "running", mood: .well, wanted: "running", changedBy: "me", changedAt: 0)
        (figures.rate, figures.lag, figures.committing, figures.workers) = (rate, lag, committing, 2)
        figures.nodes = zip(["parse", "sum"], busy).map { name, busy in
            var node = NodeFigures(name: name)
            node.busy = busy
            return node
        }
        return figures
    }

    @Test func whatLimitsIsNamed() {
        func limit(_ figures: TopologyFigures) -> String? { Bottleneck(figures, graph).node }
        #expect(limit(figures(rate: 1_000, lag: 500, busy: [1.5, 0.4], committing: 0.9)) == nil)
        #expect(limit(figures(rate: 1_000, lag: 2_999, busy: [1.5, 0.4], committing: 0.9)) == nil)
        #expect(limit(figures(rate: 1_000, lag: 1_000_000, busy: [1.5, 0.4], committing: 0.2)) == "parse")
        #expect(limit(figures(rate: 1_000, lag: 1_000_000, busy: [0.4, 1.5], committing: nil)) == "sum")
        #expect(limit(figures(rate: 1_000, lag: 1_000_000, busy: [0.1, 0.2], committing: 0.95)) == "out")
        // The workers have nothing to do: it comes too slowly.
        #expect(limit(figures(rate: 1_000, lag: 1_000_000, busy: [0.1, 0.2], committing: 0.1)) == "in")
        // A file, of which nobody knows how much is left.
        #expect(limit(figures(rate: 1_000, lag: nil, busy: [0.1, 1.5], committing: 0.1)) == "sum")
        #expect(limit(figures(rate: 1_000, lag: nil, busy: [0.1, 0.2], committing: 0.9)) == "out")
        #expect(limit(figures(rate: 1_000, lag: nil, busy: [0.1, 0.2], committing: 0.1)) == nil)
        var waiting = figures(rate: 0, lag: 1_000_000, busy: [0, 0], committing: 0)
        waiting.troubles = ["out: the database cannot be reached"]
        #expect(limit(waiting) == "out")
        // Another node has the name of a word in it.
        waiting.troubles = ["nothing is committed for 17 s, and 20 parse in: node sum is still at work on a batch"]
        #expect(limit(waiting) == "sum")
        waiting.state = "paused"
        #expect(limit(waiting) == nil)
    }
}
