import Sketches

/// A value in a table that cannot be gone on with: nobody's Millrace wrote it, or it is at the end of its range. Whoever
/// knows the table and the row says which they are.
package struct StoredValueError: Error, CustomStringConvertible {
    /// The column of the table.
    package var column: String
    /// What is wrong, what was found and what was expected.
    package var problem: String

    /// An error about a column.
    package init(column: String, problem: String) {
        self.column = column
        self.problem = problem
    }

    /// `column name: what is wrong`
    package var description: String { "column \(column): \(problem)" }

    /// Runs a body that reads `column`, and names the column in what a sketch refuses.
    package static func naming<Value>(_ column: String, _ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let error as SketchError {
            throw StoredValueError(column: column, problem: error.description)
        }
    }

    /// Adds to a stored count.
    /// - Throws: `StoredValueError` for a count below zero, or a total beyond 64 bits.
    package static func sum(_ stored: Int64?, _ new: Int64, _ column: String) throws -> Int64 {
        guard let stored else { return new }
        guard stored >= 0 else {
            throw StoredValueError(column: column, problem: "the stored count is below zero, found \(stored)")
        }
        let (sum, overflow) = stored.addingReportingOverflow(new)
        guard !overflow else {
            throw StoredValueError(
                column: column,
                problem: "the count leaves its range, found \(stored) and \(new) more, expected at most \(Int64.max)")
        }
        return sum
    }
}
