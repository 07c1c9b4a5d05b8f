import Declaration
package import Expressions
import Logging
import Synchronization

/// Counts the nulls that the expressions of one node make where a value was given, by place and operation: a division by
/// zero, a cast that fails, an overflow. Nothing vanishes without a trace.
package final class NullWatch: NodeWatch {
    /// What an expression of a node decides.
    package enum Role: Sendable, Hashable {
        /// The value of a field.
        case field(String)
        /// Which records take part in a metric.
        case metric(String)
        /// Which records go on.
        case filter
    }

    /// An operation of an expression.
    private struct Site: Hashable {
        var role: Role
        var operation: String
        var place: SourceLocation
    }

    private let node: String
    private let tell: @Sendable (Remark) -> Void
    private let counts = Mutex<[Site: Int]>([:])

    init(node: String, _ tell: @escaping @Sendable (Remark) -> Void) {
        self.node = node
        self.tell = tell
    }

    /// Takes note of the nulls that an evaluator of `expression` has made since it was asked last. Costs nothing where there
    /// are none. May be called by any thread.
    package func note(_ evaluator: ExpressionEvaluator, of expression: TypedExpression, as role: Role) {
        note(evaluator.takeFailures(), of: expression, as: role)
    }

    /// Takes note of nulls that an evaluator of an expression that reads like `expression` has made.
    func note(_ failures: [ExpressionEvaluator.Failure], of expression: TypedExpression, as role: Role) {
        guard !failures.isEmpty else { return }
        let fresh = counts.withLock { counts in
            failures.compactMap { failure -> Site? in
                let place = expression.location(of: failure.site)
                let site = Site(role: role, operation: failure.site.operation, place: place)
                let isNew = counts[site] == nil
                counts[site, default: 0] += failure.count
                return isNew ? site : nil
            }
        }
        for site in fresh {
            tell(
                Remark(
                    message: "An expression made a null of a value that was there; more of this cause are only counted",
                    metadata: metadata(of: site)))
        }
    }

    /// Says how many there were of each cause, in the order of the file.
    package func conclude() {
        let found = counts.withLock { $0 }.sorted {
            let (a, b) = ($0.key, $1.key)
            return (a.place.line, a.place.column, a.operation) < (b.place.line, b.place.column, b.operation)
        }
        for (site, count) in found {
            var metadata = metadata(of: site)
            metadata["count"] = "\(count)"
            tell(
                Remark(
                    message: "Nulls made by an expression", metadata: metadata, sentence: sentence(site, count)))
        }
    }

    private func metadata(of site: Site) -> Logger.Metadata {
        var metadata: Logger.Metadata = [
            "node": "\(node)", "operation": "\(site.operation)", "at": "\(site.place)",
        ]
        switch site.role {
        case .field(let name): metadata["field"] = "\(name)"
        case .metric(let name): metadata["metric"] = "\(name)"
        case .filter: break
        }
        return metadata
    }

    private func sentence(_ site: Site, _ count: Int) -> String {
        let what =
            switch site.role {
            case .field(let name): "the field \(name) of \(node)"
            case .metric(let name): "the condition of \(name) in \(node)"
            case .filter: "the filter \(node)"
            }
        let times = count == 1 ? "a null of a value that was there" : "\(count) nulls of values that were there"
        return "\(site.place): '\(site.operation)' in \(what) made \(times)"
    }
}
