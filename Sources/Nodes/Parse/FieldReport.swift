package import Logging
import Synchronization

/// Says what the records lack: declared fields that none of them has, and timestamps that all lie before 1980, which are
/// seconds taken for milliseconds. Both count, and say nothing by themselves.
package final class FieldReport: Sendable {
    private let tell: @Sendable (Remark) -> Void
    private let watches = Mutex<[FieldWatch]>([])

    /// Creates a report that tells its remarks to `tell`, from any thread.
    package init(_ tell: @escaping @Sendable (Remark) -> Void) { self.tell = tell }

    /// Creates a report that speaks through `logger`.
    package convenience init(logger: Logger) { self.init { logger.write($0) } }

    /// A watch over the records of one `parse_json` node.
    package func watch(node: String, _ plan: ParsePlan) -> FieldWatch {
        let watch = FieldWatch(node: node, plan, tell)
        watches.withLock { $0.append(watch) }
        return watch
    }

    /// Says, at the end, what fewer records than usual have shown.
    package func conclude() {
        for watch in watches.withLock({ $0 }) {
            watch.conclude()
            watch.tellConcessions()
        }
    }
}
