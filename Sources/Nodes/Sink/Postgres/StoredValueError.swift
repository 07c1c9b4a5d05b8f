import Postgres
import Sketches

/// A value in a table that cannot be gone on with: nobody's Millrace wrote it, or it is at the end of its range. Whoever
/// knows the table and the row says which they are.
struct StoredValueError: Error, CustomStringConvertible {
    /// The column of the table.
    var column: String
    /// What is wrong, what was found and what was expected.
    var problem: String

    var description: String { "column \(column): \(problem)" }

    /// Runs a body that reads `column`, and names the column in what the driver or a sketch refuses.
    static func naming<Value>(_ column: String, _ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let error as SketchError {
            throw StoredValueError(column: column, problem: error.description)
        } catch let error as PostgresError where error.kind == .usage || error.kind == .protocolViolation {
            throw StoredValueError(column: column, problem: error.message)
        }
    }

    /// Adds to a stored count.
    /// - Throws: `StoredValueError` for a count below zero, or a total beyond 64 bits.
    static func sum(_ stored: Int64?, _ new: Int64, _ column: String) throws -> Int64 {
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
