package import Logging
import Synchronization

/// What nodes notice about what they are fed, gathered from all nodes of a topology.
///
/// Each node has a watch of its own kind (`FieldWatch`, `NullWatch`, `LookupWatch`), which counts as records come and says
/// at once what cannot wait; `conclude` has all of them say what the numbers have come to.
package final class Remarks: Sendable {
    private let tell: @Sendable (Remark) -> Void
    private let watches = Mutex<[any NodeWatch]>([])

    /// Tells remarks to `tell`, from any thread.
    package init(_ tell: @escaping @Sendable (Remark) -> Void) { self.tell = tell }

    /// Tells remarks to a logger, as warnings.
    package convenience init(logger: Logger) {
        self.init { logger.warning($0.message, metadata: $0.metadata) }
    }

    /// Keeps a watch that is made with where it tells its remarks.
    package func watch<Watch: NodeWatch>(_ make: (_ tell: @escaping @Sendable (Remark) -> Void) -> Watch) -> Watch {
        let watch = make(tell)
        watches.withLock { $0.append(watch) }
        return watch
    }

    /// Says, at the end, what each watch has counted.
    package func conclude() {
        for watch in watches.withLock({ $0 }) { watch.conclude() }
    }
}

/// Looks at what one node is fed; used by all its workers.
package protocol NodeWatch: Sendable {
    /// Says what it has counted. Called once, at the end.
    func conclude()
}
