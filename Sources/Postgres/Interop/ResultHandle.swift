import CLibPQ

/// Owns one `PGresult`.
///
/// Sendable without a lock: a finished `PGresult` is never changed again, and libpq's read functions keep no state.
@safe final class ResultHandle: @unchecked Sendable {
    private let pointer: OpaquePointer

    /// Takes ownership.
    init(adopting pointer: OpaquePointer) {
        unsafe self.pointer = pointer
    }

    deinit {
        unsafe PQclear(pointer)
    }

    var status: ExecStatusType { unsafe PQresultStatus(pointer) }
    var rowCount: Int { Int(unsafe PQntuples(pointer)) }
    var memoryBytes: Int { unsafe PQresultMemorySize(pointer) }
    var columnCount: Int { Int(unsafe PQnfields(pointer)) }

    /// Empty when the statement has no row count.
    var affectedRows: String { unsafe String(cString: PQcmdTuples(pointer)) }
    /// Such as `INSERT 0 5`.
    var commandTag: String { unsafe String(cString: PQcmdStatus(pointer)) }

    func columnName(_ column: Int) -> String {
        guard let name = unsafe PQfname(pointer, CInt(column)) else { return "" }
        return unsafe String(cString: name)
    }

    func columnType(_ column: Int) -> UInt32 { unsafe PQftype(pointer, CInt(column)) }
    func isBinary(_ column: Int) -> Bool { unsafe PQfformat(pointer, CInt(column)) == 1 }
    func isNull(_ row: Int, _ column: Int) -> Bool { unsafe PQgetisnull(pointer, CInt(row), CInt(column)) == 1 }

    /// The bytes of a value; empty for NULL. Valid as long as this object.
    func withBytes<Value>(_ row: Int, _ column: Int, _ body: (UnsafeRawBufferPointer) throws -> Value) rethrows -> Value
    {
        let start = unsafe PQgetvalue(pointer, CInt(row), CInt(column))
        let length = Int(unsafe PQgetlength(pointer, CInt(row), CInt(column)))
        return try unsafe body(UnsafeRawBufferPointer(start: start, count: length))
    }

    /// A field of an error or notice, `PG_DIAG_…`.
    func diagnostic(_ field: Character) -> String? {
        guard let text = unsafe PQresultErrorField(pointer, CInt(field.asciiValue!)) else { return nil }
        return unsafe String(cString: text)
    }

    /// The whole message as libpq would print it.
    var errorMessage: String { unsafe String(cString: PQresultErrorMessage(pointer)) }
}

extension ResultHandle {
    /// Codes of `postgres_ext.h`, which are characters and not imported from C.
    enum Field {
        static let severityUntranslated: Character = "V"
        static let sqlState: Character = "C"
        static let message: Character = "M"
        static let detail: Character = "D"
        static let hint: Character = "H"
        static let schema: Character = "s"
        static let table: Character = "t"
        static let column: Character = "c"
        static let constraint: Character = "n"
        static let context: Character = "W"
    }

    /// True when the server ends the connection with this error.
    var isFatal: Bool {
        let severity = diagnostic(Field.severityUntranslated)
        return severity == "FATAL" || severity == "PANIC"
    }

    /// The error this result stands for.
    func error() -> PostgresError {
        let sqlState = diagnostic(Field.sqlState)
        var error = PostgresError(
            sqlState == nil ? .connection : .server,
            diagnostic(Field.message) ?? errorMessage.singleLine,
            sqlState: sqlState,
            hint: diagnostic(Field.hint)
        )
        error.detail = diagnostic(Field.detail)
        error.schema = diagnostic(Field.schema)
        error.table = diagnostic(Field.table)
        error.column = diagnostic(Field.column)
        error.constraint = diagnostic(Field.constraint)
        error.context = diagnostic(Field.context)
        return error
    }
}

extension String {
    /// libpq's messages run over several lines; ours are one.
    var singleLine: String {
        split(whereSeparator: \.isNewline)
            .map { line in String(line.drop { $0 == "\t" || $0 == " " }) }
            .joined(separator: "; ")
    }
}
