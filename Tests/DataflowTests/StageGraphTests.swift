import DataflowTesting
import Testing

@testable import Dataflow

@Suite struct StageGraphTests {
    private static func plan(_ nodes: [(children: [Int], concurrency: Int?)]) -> PipelinePlan {
        let source = ModelSource(log: ModelLog(partitions: 1, records: 1, seed: 1), seed: 1)
        return PipelinePlan(
            sources: [.init(name: "source", source: source, child: 0, layout: BatchLayout())],
            nodes: nodes.enumerated().map {
                .init(
                    name: "n\($0.offset)", make: TallyOperator(), children: $0.element.children,
                    concurrency: $0.element.concurrency)
            },
            target: ModelTarget(database: ModelDatabase(), seed: 1, faultPercent: 0),
            settings: PipelineSettings(workers: 3), memory: MemoryAccountant(budget: 1 << 28))
    }

    @Test func neighboursWithoutConcurrencyAreFused() {
        let graph = StageGraph(Self.plan([([1, 2], nil), ([], nil), ([3], nil), ([], nil)]))
        #expect(graph.stages.count == 1)
        #expect(graph.stages[0].permits == 3, "as many as there are workers")
        #expect(graph.stageOfNode == [0, 0, 0, 0])
    }

    @Test func aNodeWithConcurrencyStartsAStage() {
        let graph = StageGraph(Self.plan([([1], 2), ([2, 3], 5), ([], nil), ([], 7)]))
        #expect(graph.stages.map(\.permits) == [2, 5, 7])
        #expect(graph.stageOfNode == [0, 1, 1, 2])
        #expect(graph.stages.map(\.downstream) == [[1], [2], []])
    }

    @Test func aNodeThatSharesPermitsStartsAStageToo() {
        var plan = Self.plan([([1], nil), ([2], nil), ([], nil)])
        plan.nodes[1].gate = PermitGate(node: "n1", limit: 4, own: nil, taker: .engine)
        let graph = StageGraph(plan)
        #expect(graph.stages.map(\.nodes) == [[0], [1, 2]])
        #expect(graph.stages[1].gate === plan.nodes[1].gate && graph.stages[1].permits == .max)
    }

    @Test func aNodeOfSeveralSourcesIsInTheStageOfEachUnlessItHasOneOfItsOwn() {
        // Two parsers, 0 and 1, whose records come together in 2 and go on to 3.
        func graph(_ concurrency: Int?) -> StageGraph {
            var plan = Self.plan([([2], nil), ([2], nil), ([3], concurrency), ([], nil)])
            plan.sources.append(plan.sources[0])
            plan.sources[1].child = 1
            return StageGraph(plan)
        }
        #expect(graph(nil).stages.map(\.nodes) == [[0, 2, 3], [1, 2, 3]])
        let apart = graph(2)
        #expect(apart.stages.map(\.nodes) == [[0], [2, 3], [1]])
        #expect(apart.stages.map(\.downstream) == [[1], [], [1]])
    }

    @Test func aParserOfSeveralSourcesIsOneStage() {
        var plan = Self.plan([([], nil)])
        plan.sources.append(plan.sources[0])
        #expect(StageGraph(plan).stages.map(\.nodes) == [[0]])
    }
}
