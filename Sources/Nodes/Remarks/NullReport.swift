package import Logging
import Synchronization

/// Says how many nulls expressions made where a value was given: a division by zero, a cast that fails, an overflow. Nothing
/// vanishes without a trace.
package final class NullReport: Sendable {
    private let tell: @Sendable (Remark) -> Void
    private let watches = Mutex<[NullWatch]>([])

    /// Creates a report that tells its remarks to `tell`, from any thread.
    package init(_ tell: @escaping @Sendable (Remark) -> Void) { self.tell = tell }

    /// Creates a report that speaks through `logger`.
    package convenience init(logger: Logger) { self.init { logger.write($0) } }

    /// A watch over the expressions of one node.
    package func watch(node: String) -> NullWatch {
        let watch = NullWatch(node: node, tell)
        watches.withLock { $0.append(watch) }
        return watch
    }

    /// Says, at the end, how many there were of each cause.
    package func conclude() {
        for watch in watches.withLock({ $0 }) { watch.conclude() }
    }
}
