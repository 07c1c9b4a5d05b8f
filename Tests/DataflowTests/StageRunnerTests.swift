import DataflowTesting
import Synchronization
import Testing

@testable import Dataflow

/// What a stage does with a batch.
@Suite struct StageRunnerTests {
    /// What happened, in order.
    private final class Diary: Sendable {
        private let lines = Mutex<[String]>([])
        func note(_ line: String) { lines.withLock { $0.append(line) } }
        var all: [String] { lines.withLock { $0 } }
    }

    /// Keeps something for each epoch, as a lookup does, and hands a record on, or as a summary does, and hands none on.
    private struct Noting: Operator {
        var name: String
        var handsOn: Bool
        var diary: Diary
        func makeWorker(in slot: StageSlot) -> any OperatorWorker { Worker(self) }

        final class Worker: AggregateWorker {
            private let node: Noting
            init(_ node: Noting) { self.node = node }

            func process(_ batch: Batch, _ rows: RowSelection, _ output: (RowSelection) -> Void) {
                node.diary.note("\(node.name) works")
                if node.handsOn { output(unsafe RowSelection(rows: nil, count: 1)) }
            }

            func takeDelta(epoch: UInt64) -> (any Delta)? { nil }
            func discard() {}
        }
    }

    /// Whoever watches a node sees a record when its columns are filled, whatever the node keeps for an epoch.
    @Test func recordsAreShownWhenTheyAreWhole() {
        let diary = Diary()
        let nodes: [Noting] = [
            .init(name: "lookup", handsOn: true, diary: diary), .init(name: "summary", handsOn: false, diary: diary),
        ]
        let source = ModelSource(log: ModelLog(partitions: 1, records: 1, seed: 1), seed: 1)
        let plan = PipelinePlan(
            sources: [.init(name: "source", source: source, child: 0, layout: BatchLayout())],
            nodes: nodes.enumerated().map { number, node in
                .init(name: node.name, make: node, children: number == 0 ? [1] : [], concurrency: nil)
            },
            target: ModelTarget(database: ModelDatabase(), seed: 1, faultPercent: 0),
            settings: PipelineSettings(workers: 1), memory: MemoryAccountant(budget: 1 << 28))
        let taps = nodes.map { node in
            let tap = NodeTap()
            _ = tap.add { _, rows in diary.note("\(node.name) shows \(rows.count)") }
            return tap
        }
        let runner = StageRunner(StageGraph(plan).stages[0], plan, nodes.map { _ in NodeCounters() }, taps)
        let batch = Batch(payloadBytes: 4_096, layout: BatchLayout())
        runner.run(Work(stage: 0, batch: batch, rows: nil)) { _, _ in }
        #expect(diary.all == ["lookup works", "lookup shows 1", "summary works", "summary shows 1"])
    }
}
