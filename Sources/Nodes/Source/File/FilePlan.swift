import Dataflow
package import Declaration

/// What a `file` node reads.
package struct FilePlan: Sendable {
    /// What becomes of a file whose beginning is all that was read of another one.
    package enum Copies: String, Sendable {
        /// The run stops and names both.
        case refuse
        /// It is left out.
        case skip
        /// It counts as a file of its own.
        case count
    }

    /// A path or pattern, and where in the topology file it stands.
    package struct Pattern: Sendable {
        package var text: String
        package var place: String

        package init(_ text: String, place: String) {
            self.text = text
            self.place = place
        }
    }

    /// The node's name.
    package var node: String
    /// Paths and shell patterns; `-` is standard input.
    package var patterns: [Pattern]
    /// What becomes of copies.
    package var copies: Copies

    /// Creates a plan.
    package init(node: String, patterns: [Pattern], copies: Copies = .refuse) {
        self.node = node
        self.patterns = patterns
        self.copies = copies
    }

    /// Reads a `file` declaration, which has been checked against its spec.
    package static func make(_ node: NodeDeclaration) -> FilePlan {
        let patterns = (node.config["paths"]?.list ?? []).compactMap { value in
            value.string.map { Pattern($0, place: "\(value.location)") }
        }
        return FilePlan(
            node: node.name, patterns: patterns,
            copies: node.config.defaulted("copies").string.flatMap(Copies.init) ?? .refuse)
    }
}
