import Declaration

/// The name of a user's table as a topology file gives it: `table`, or `schema.table`, each part taken as it is written.
package struct TableName: Hashable, Sendable {
    /// Why a name is none.
    package struct Problem: Error {
        /// What is wrong, what was found, what was expected.
        package var message: String
        /// The way out, nil when nobody can guess.
        package var hint: String?
    }

    /// The longest part, in bytes: Postgres cuts what is longer, and two names may become one.
    static let partBytesMax = 63
    /// Schemas that are no place for a user's table; all that begin with `pg_` are Postgres's own.
    private static let reservedSchemas: Set<String> = ["information_schema", "millrace"]

    /// The schema, nil when the search path decides.
    package let schema: String?
    /// The table.
    package let table: String

    /// Reads a name.
    package init(_ text: String) throws(Problem) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard parts.count <= 2 else {
            throw Problem(
                message: "table '\(text)' has \(parts.count) parts, expected table or schema.table",
                hint: parts.count == 3 ? "the database is named in the url: write \(parts[1]).\(parts[2])" : nil)
        }
        for part in parts { try Self.check(part, of: text) }
        schema = parts.count == 2 ? parts[0] : nil
        table = parts[parts.count - 1]
        guard let schema else { return }
        if schema.hasPrefix("pg_temp") {
            throw Problem(
                message:
                    "table '\(text)' would be temporary and gone with the connection, expected a schema that stays",
                hint: "write \(table), or another schema")
        }
        if schema.hasPrefix("pg_") || Self.reservedSchemas.contains(schema) {
            let owner = schema == "millrace" ? "Millrace itself" : "Postgres itself"
            throw Problem(
                message:
                    "table '\(text)' is in schema \(schema), which belongs to \(owner), expected a schema of yours",
                hint: nil)
        }
    }

    private static func check(_ part: String, of text: String) throws(Problem) {
        if part.isEmpty {
            throw Problem(message: "table '\(text)' has an empty part, expected table or schema.table", hint: nil)
        }
        if part.utf8.count > partBytesMax {
            throw Problem(
                message: "a part of table '\(text.prefix(40))…' is too long, found \(part.utf8.count) bytes, "
                    + "expected at most \(partBytesMax)",
                hint: nil)
        }
        if part.contains("\"") {
            throw Problem(
                message: "table '\(text)' holds a quote, expected the name as it is",
                hint: "leave the quotes out: names are taken as they are written, capitals included")
        }
        let isOdd = part.unicodeScalars.contains {
            [.control, .format, .lineSeparator, .paragraphSeparator].contains($0.properties.generalCategory)
        }
        if isOdd || part.first?.isWhitespace ?? false || part.last?.isWhitespace ?? false {
            throw Problem(
                message:
                    "table '\(text.filter { !$0.isNewline })' holds spaces at its ends or characters that cannot be seen, "
                    + "expected table or schema.table", hint: nil)
        }
    }
}

extension TableName: CustomStringConvertible {
    /// As it was written.
    package var description: String { schema.map { $0 + "." + table } ?? table }

    /// As SQL has it.
    var quoted: String { [schema, table].compactMap(\.self).map { SQLWord.name($0) }.joined(separator: ".") }
}

extension ConfigValue {
    /// The table that the value names; nil when a problem says that it names none.
    func tableName(_ problems: inout Diagnostics) -> TableName? {
        guard let text = string else { return nil }
        do throws(TableName.Problem) {
            return try TableName(text)
        } catch {
            problems.append(Diagnostic(code: "table-name", at: location, error.message, hint: error.hint))
            return nil
        }
    }
}
