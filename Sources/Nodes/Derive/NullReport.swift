import Expressions
package import Logging
import Synchronization

/// Says how many nulls expressions made where a value was given: a division by zero, a cast that fails, an overflow. Nothing
/// vanishes without a trace.
package final class NullReport: Sendable {
    private let logger: Logger
    private let watches = Mutex<[NullWatch]>([])

    /// Creates a report that speaks through `logger`.
    package init(logger: Logger) { self.logger = logger }

    /// A watch over the expressions of one node.
    package func watch(node: String) -> NullWatch {
        let watch = NullWatch(node: node, logger)
        watches.withLock { $0.append(watch) }
        return watch
    }

    /// Says, at the end, how many there were of each.
    package func conclude() {
        for watch in watches.withLock({ $0 }) { watch.conclude() }
    }
}

/// Counts the nulls that the expressions of one node make, by operation.
package final class NullWatch: Sendable {
    private let node: String
    private let logger: Logger
    private let counts = Mutex<[Site: [ObjectIdentifier: Int]]>([:])

    private struct Site: Hashable {
        var field: String
        var operation: String
        var place: String
    }

    init(node: String, _ logger: Logger) {
        self.node = node
        self.logger = logger
    }

    /// Takes note of what a worker's evaluator has counted so far.
    func note(_ failures: [(site: FailureSite, count: Int)], of field: DerivedField, by worker: ObjectIdentifier) {
        let fresh = counts.withLock { counts in
            failures.compactMap { failure -> Site? in
                let site = Site(
                    field: field.name, operation: failure.site.operation,
                    place: "\(field.source.location(of: failure.site))")
                let isNew = counts[site] == nil
                counts[site, default: [:]][worker] = failure.count
                return isNew ? site : nil
            }
        }
        for site in fresh {
            logger.warning(
                "An expression made a null of a value that was there; more of this cause are only counted",
                metadata: metadata(of: site))
        }
    }

    /// Says how many there were of each cause.
    func conclude() {
        for (site, workers) in counts.withLock({ $0 }).sorted(by: {
            ($0.key.field, $0.key.place) < ($1.key.field, $1.key.place)
        }) {
            var metadata = metadata(of: site)
            metadata["count"] = "\(workers.values.reduce(0, +))"
            logger.warning("Nulls made by an expression", metadata: metadata)
        }
    }

    private func metadata(of site: Site) -> Logger.Metadata {
        ["node": "\(node)", "field": "\(site.field)", "operation": "\(site.operation)", "at": "\(site.place)"]
    }
}
