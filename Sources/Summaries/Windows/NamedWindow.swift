/// One of the windows of a summary, and what it is called.
package struct NamedWindow: Sendable {
    /// What rows of a table with several windows have in the column `window_size`: `1h`, or all of its definition where two
    /// windows have one size.
    package var name: String
    /// How event time is cut.
    package var function: any WindowFunction

    /// The windows of these functions, with names that tell them apart.
    package static func list(_ functions: [any WindowFunction]) -> [NamedWindow] {
        functions.map { function in
            let isOnly = functions.count(where: { $0.size == function.size }) == 1
            return NamedWindow(name: isOnly ? function.size : function.definition, function: function)
        }
    }
}
