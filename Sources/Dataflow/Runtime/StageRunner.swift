import Platform
import Synchronization

/// One stage at work: its permits, each with the workers of the stage's nodes.
final class StageRunner: Sendable {
    private let stage: StageGraph.Stage
    private let nodes: [PipelinePlan.Node]
    private let counters: [NodeCounters]
    private let taps: [NodeTap]
    private let slots: Mutex<Slots>

    private struct Slots {
        var idle: [SlotWorkers] = []
        var all: [SlotWorkers] = []

        /// A slot that is free, if possible the one that this thread used last.
        mutating func takeIdle(for thread: ThreadIdentity) -> SlotWorkers? {
            guard let index = idle.lastIndex(where: { $0.lastThread == thread }) ?? idle.indices.last else {
                return nil
            }
            idle[index].lastThread = thread
            return idle.remove(at: index)
        }
    }

    /// The workers of one permit, by node.
    ///
    /// `@unchecked Sendable`: a slot is with one thread at a time, by way of `slots.idle`; what the commit thread takes
    /// from an aggregate worker meanwhile, the worker guards itself.
    final class SlotWorkers: @unchecked Sendable {
        let workers: [Int: any OperatorWorker]
        /// The thread that used the slot last, in whose core's cache its tables are.
        var lastThread = ThreadIdentity.current

        init(_ stage: StageGraph.Stage, _ nodes: [PipelinePlan.Node]) {
            let slot = StageSlot()
            workers = Dictionary(
                uniqueKeysWithValues: stage.nodes.map { ($0, nodes[$0].make.makeWorker(in: slot)) })
        }
    }

    /// - Parameters:
    ///   - counters: by node, counted up by what this stage does.
    ///   - taps: by node, shown what passes it.
    init(_ stage: StageGraph.Stage, _ plan: PipelinePlan, _ counters: [NodeCounters], _ taps: [NodeTap]) {
        self.stage = stage
        self.counters = counters
        self.taps = taps
        nodes = plan.nodes
        slots = Mutex(Slots())
    }

    /// Runs a batch through the stage's nodes; rows for other stages go to `emit` with the stage's head node.
    func run(_ work: Work, emit: (_ node: Int, RowSelection) -> Void) {
        let slot = slots.withLock { slots in
            if let idle = slots.takeIdle(for: .current) { return idle }
            let made = SlotWorkers(stage, nodes)
            slots.all.append(made)
            return made
        }
        defer { slots.withLock { $0.idle.append(slot) } }
        guard let list = work.rows else {
            visit(stage.head, work.batch, unsafe RowSelection(rows: nil, count: work.batch.rowCount), slot, emit)
            return
        }
        unsafe list.rows.withUnsafeBufferPointer { rows in
            let selection = unsafe RowSelection(rows: rows.baseAddress, count: rows.count)
            visit(stage.head, work.batch, selection, slot, emit)
        }
    }

    /// - Returns: how long it took, with what came behind it.
    @discardableResult
    private func visit(
        _ node: Int, _ batch: Batch, _ rows: RowSelection, _ slot: SlotWorkers, _ emit: (Int, RowSelection) -> Void
    ) -> Duration {
        guard let worker = slot.workers[node] else { preconditionFailure("a stage was asked for a foreign node") }
        let isParsed = batch.rowCount > 0
        if isParsed { counters[node].enter(rows.count) }
        // The real clock, in a simulation too: nothing depends on it.
        let start = ContinuousClock.now
        var behind = Duration.zero
        counters[node].begin()
        defer { counters[node].end() }
        worker.process(batch, rows) { selected in
            guard selected.count > 0 else { return }
            counters[node].leave(selected.count)
            if taps[node].isOpen { taps[node].show(batch, selected) }
            for child in nodes[node].children {
                if slot.workers[child] != nil {
                    behind += visit(child, batch, selected, slot, emit)
                } else {
                    emit(child, selected)
                }
            }
        }
        // It hands none on, so those are shown that it got. Not before it has worked on them: only then are all columns filled.
        if nodes[node].children.isEmpty, taps[node].isOpen { taps[node].show(batch, rows) }
        // What a parser gets are messages: how many records they hold, it finds out.
        if !isParsed { counters[node].enter(batch.rowCount) }
        let time = ContinuousClock.now - start
        counters[node].work(for: time - behind)
        return time
    }

    /// Every aggregate worker of the stage with its node.
    func aggregates() -> [(node: Int, worker: any AggregateWorker)] {
        slots.withLock { slots in
            slots.all.flatMap { slot in
                stage.nodes.compactMap { node in (slot.workers[node] as? any AggregateWorker).map { (node, $0) } }
            }
        }
    }
}
