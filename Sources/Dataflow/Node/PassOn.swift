/// A node that hands on what it gets: what it changes is only what the records behind it are known to hold.
public struct PassOn: Operator {
    private final class Worker: OperatorWorker {
        func process(_ batch: Batch, _ rows: RowSelection, _ output: (RowSelection) -> Void) { output(rows) }
    }

    /// Creates the node.
    public init() {}

    /// Makes a worker, which keeps nothing.
    public func makeWorker(in slot: StageSlot) -> any OperatorWorker { Worker() }
}
