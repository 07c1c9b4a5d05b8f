import Declaration

/// How a `summarize` node says what it groups by: one of four ways, as in SQL.
struct Grouping {
    /// The ways, by the names of their settings.
    enum Form: String, CaseIterable {
        /// One set of fields.
        case by
        /// Several sets, each written out.
        case groupingSets = "grouping_sets"
        /// All fields, then one fewer at a time from the end, down to the total.
        case rollup
        /// Every set that can be made of the fields.
        case cube
    }

    /// Which way.
    var form: Form
    /// What it is set to.
    var value: ConfigValue

    /// The way that a node takes; nil when it groups by nothing.
    /// - Parameter problems: gets what is wrong with taking several.
    static func declared(in node: NodeDeclaration, _ problems: inout Diagnostics) -> Grouping? {
        // Where there are several, what `by` says is the least of it.
        let order: [Form] = [.groupingSets, .rollup, .cube, .by]
        let given = order.compactMap { form in node.config[form.rawValue].map { Grouping(form: form, value: $0) } }
        guard let first = given.first else { return nil }
        for other in given.dropFirst() {
            let isBy = other.form == .by
            problems.append(
                Diagnostic(
                    code: "by-and-sets", at: other.value.location,
                    "found `\(other.form.rawValue)` beside `\(first.form.rawValue)`, expected one of them",
                    hint: isBy && first.form == .groupingSets
                        ? "make the fields of `by` one of the grouping sets"
                        : "write the sets that are wanted as grouping_sets"))
        }
        return first
    }

    /// The sets that a rollup or a cube of so many fields is made of, as positions of fields; a larger set stands in front
    /// of the ones that it contains.
    func sets(of count: Int) -> [[Int]] {
        switch form {
        case .rollup: (0...count).reversed().map { Array(0..<$0) }
        case .cube:
            // The first field is the highest bit, so that sets come in the order in which Postgres lists them.
            (0..<(1 << count)).reversed().map { bits in
                (0..<count).filter { bits >> (count - 1 - $0) & 1 == 1 }
            }
        case .by, .groupingSets: [Array(0..<count)]
        }
    }

    /// How many sets a rollup or a cube of so many fields makes; nil beyond what can be counted.
    func setCount(of count: Int) -> Int? {
        switch form {
        case .rollup: count + 1
        case .cube: count < 62 ? 1 << count : nil
        case .by, .groupingSets: 1
        }
    }
}
