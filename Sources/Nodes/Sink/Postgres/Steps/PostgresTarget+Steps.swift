package import Dataflow
import Synchronization

/// Programs that are run after commits.
extension PostgresTarget {
    /// Programs that are not there are found out before anything is read.
    func checkSteps() throws(ExecError) {
        for sink in sinks {
            guard let step = sink.step else { continue }
            try ProgramSearch.check(step.plan.command, step.plan.environment, of: sink.name)
        }
    }

    /// Has commits counted of tables that have a step, and runs their programs; a replay leaves that to whoever runs the
    /// topology.
    /// - Throws: `NoThread`.
    func beginSteps() throws {
        let steps = Dictionary(
            sinks.compactMap { sink in sink.step.map { (StepPlace(sink.node, sink.table), $0) } },
            uniquingKeysWith: { first, _ in first })
        for table in tables {
            guard let step = steps[StepPlace(table.node, table.writer.table.name)] else { continue }
            let keeper = replay == nil ? try startKeeper(step, table) : nil
            let rows = StepRows(
                topology: rows.topology, table, keepsKeys: step.plan.sendsRows, memory: memory
            ) { keeper?.committed($0) }
            epochSinks.insert(rows, at: epochSinks.count { $0 is TableRows || $0 is ReplayRows || $0 is StepRows })
        }
    }

    private func startKeeper(_ step: TableStep, _ table: TableRows) throws -> StepKeeper {
        let book = StepBook(
            topology: rows.topology, table: table.writer.table, runner: registration.instance,
            sendsRows: step.plan.sendsRows)
        let keeper = StepKeeper(step, of: table.sink, book, memory: memory) { [starting, sink = table.sink] trouble in
            starting?.report(trouble: trouble, of: sink)
        }
        try keeper.start(makeStepSession)
        keepers.withLock { $0.append(keeper) }
        return keeper
    }

    private var allKeepers: [StepKeeper] { keepers.withLock { $0 } }

    package var steps: [StepSnapshot] { allKeepers.map(\.snapshot) }

    /// Has done what is left to do after commits, when the sources have ended.
    /// - Parameter isCancelled: asked again and again; true leaves it to the next run.
    /// - Throws: `StepUndone`.
    package func finishSteps(_ isCancelled: () -> Bool) throws {
        defer { endSteps() }
        for keeper in allKeepers { try keeper.finish(isCancelled) }
    }

    /// Ends programs after commits; what is not done is done by the next run.
    package func endSteps() {
        for keeper in allKeepers { keeper.tellToEnd() }
        for keeper in allKeepers { keeper.end() }
    }
}

/// A table of a summarizing node.
private struct StepPlace: Hashable {
    let node: Int
    let table: String

    init(_ node: Int, _ table: String) {
        self.node = node
        self.table = table
    }
}
