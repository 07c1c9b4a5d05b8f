/// The declaration of a metric type: the single source for its diagnostics and its entry on the reference page.
package struct MetricSpec: Sendable {
    /// `name: word` inside of a call.
    package struct Option: Sendable {
        /// The option's name.
        package var name: String
        /// What it may be set to.
        package var words: [String]

        /// An option.
        package init(_ name: String, _ words: [String]) {
            self.name = name
            self.words = words
        }

        /// `compact, standard or precise`
        package var expectation: String {
            words.dropLast().joined(separator: ", ") + (words.count > 1 ? " or " : "") + (words.last ?? "")
        }
    }

    /// The function's name in a call.
    package var name: String
    /// What other languages call it, in lower case, and what to write instead where that is more than the name.
    package var otherNames: [String: String]
    /// A call as it is written, `f` standing for a field: `percentiles(f, 50, 95, 99)`.
    package var signature: String
    /// What it is, in the words that follow a call of it on the reference page.
    package var summary: String
    /// The options that a call may have.
    package var options: [Option]
    /// Whether its value depends on how many records have a value, and not only on which values there are.
    package var weighsRecords: Bool

    /// Creates a spec.
    /// - Parameters:
    ///   - otherNames: names for which the advice is this one's name.
    ///   - advice: names for which the advice is another text.
    package init(
        name: String, otherNames: [String] = [], advice: [String: String] = [:], signature: String, summary: String,
        options: [Option] = [], weighsRecords: Bool = false
    ) {
        self.name = name
        self.otherNames = advice.merging(otherNames.map { ($0, name) }) { advice, _ in advice }
        self.signature = signature
        self.summary = summary
        self.options = options
        self.weighsRecords = weighsRecords
    }
}
