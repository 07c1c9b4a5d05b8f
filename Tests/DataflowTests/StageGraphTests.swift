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
}
