public import Lookups
public import Postgres

/// A dimension in a table of Postgres, or in what a query answers.
///
/// Every load makes a connection of its own and reads with one statement, so that it sees one moment of the database. Rows
/// are read as they arrive (``Connection/readRows(of:_:deadline:columns:_:)``). Fields of type text are cast to text by the
/// server, so that uuid, inet and enums can be keys; all other types must be those of the column: `integer` for smallint,
/// integer and bigint; `decimal` for these and numeric; `double` for real and double precision; `timestamp` for timestamptz
/// and timestamp, which is taken as UTC. An infinite timestamp is without end, and allowed only in from and to.
public struct PostgresSource: DimensionSource {
    /// What is read.
    public enum Rows: Sendable, Equatable {
        /// A table or view: `campaigns`, or `schema.campaigns`.
        case table(String)
        /// A query, whose columns are the fields.
        case query(String)
    }

    private let settings: ConnectionSettings
    private let rows: Rows
    private let timeout: Duration
    private let isCancelled: @Sendable () -> Bool

    /// Creates a source; nothing is connected yet.
    /// - Parameters:
    ///   - settings: where the database is.
    ///   - rows: what to read of it.
    ///   - timeout: how long connecting and reading may take together.
    ///   - isCancelled: asked several times a second while the server says nothing; true ends the load.
    public init(
        _ settings: ConnectionSettings, _ rows: Rows, timeout: Duration = .seconds(3_600),
        isCancelled: @escaping @Sendable () -> Bool = { false }
    ) {
        self.settings = settings
        self.rows = rows
        self.timeout = timeout
        self.isCancelled = isCancelled
    }

    /// Hands over all rows.
    /// - Throws: ``LookupError``, which names the table and the column.
    public func read(_ fields: [DimensionField], _ emit: (borrowing DimensionRow) throws -> Void) throws {
        let deadline = ContinuousClock.now + timeout
        do {
            var connection = try Connection.connect(settings, deadline: deadline, isCancelled: isCancelled)
            connection.watch = SilenceWatch { [isCancelled] _ in isCancelled() ? .cancel : .wait }
            var row = DimensionRow(count: fields.count)
            try connection.readRows(
                of: statement(fields), deadline: deadline, columns: { try check($0, fields) }
            ) { found in
                row.clear()
                for (field, declared) in fields.enumerated() { try set(&row, field, declared, found) }
                try emit(row)
                return .next
            }
        } catch let error as PostgresError {
            throw described(error)
        }
    }

    /// What messages call the rows.
    private var name: String {
        switch rows {
        case .table(let table): "table \(table)"
        case .query: "query"
        }
    }

    private func statement(_ fields: [DimensionField]) -> String {
        let columns = fields.map { field in
            let column = "d.\(Self.quoted(field.name))"
            return field.type == .text ? "\(column)::text" : column
        }
        let list = columns.joined(separator: ", ")
        switch rows {
        case .table(let table):
            let path = table.split(separator: ".", omittingEmptySubsequences: false).map { Self.quoted(String($0)) }
            return "SELECT \(list) FROM \(path.joined(separator: ".")) AS d"
        case .query(let query):
            // The line end closes a comment at the query's end.
            return "SELECT \(list) FROM (\(Self.withoutSemicolon(query))\n) AS d"
        }
    }

    private static func quoted(_ name: String) -> String {
        "\"" + name.replacing("\"", with: "\"\"") + "\""
    }

    private static func withoutSemicolon(_ query: String) -> Substring {
        var rest = query[...]
        while let last = rest.last, last.isWhitespace || last == ";" { rest.removeLast() }
        return rest
    }

    private func check(_ columns: RowColumns, _ fields: [DimensionField]) throws {
        for (field, type) in zip(fields, columns.types) {
            let taken = Self.taken(field.type)
            guard !taken.contains(where: { $0.oid == type }), field.type != .text else { continue }
            let found = Self.names[type].map { "type \($0)" } ?? "the type with oid \(type)"
            let expected = taken.map(\.name).joined(separator: ", ")
            throw LookupError(
                .column,
                "\(name): column \(field.name) has \(found), expected \(expected) for \(field.type.name); declare another "
                    + "type, or cast it in a query")
        }
    }

    private static let names: [UInt32: String] = [
        16: "boolean", 17: "bytea", 20: "bigint", 21: "smallint", 23: "integer", 25: "text", 114: "json", 700: "real",
        701: "double precision", 869: "inet", 1042: "char", 1043: "varchar", 1082: "date", 1083: "time",
        1114: "timestamp",
        1184: "timestamptz", 1186: "interval", 1700: "numeric", 2950: "uuid", 3802: "jsonb",
    ]

    /// The types of columns that a declared type reads.
    private static func taken(_ type: DimensionType) -> [(oid: UInt32, name: String)] {
        let oids: [UInt32] =
            switch type {
            case .text: []
            case .integer: [21, 23, 20]
            case .decimal: [21, 23, 20, 1700]
            case .double: [700, 701]
            case .boolean: [16]
            case .timestamp: [1184, 1114]
            }
        return oids.map { ($0, names[$0]!) }
    }

    private func set(
        _ row: inout DimensionRow, _ field: Int, _ declared: DimensionField, _ found: borrowing Row
    ) throws {
        switch declared.type {
        case .text:
            _ = try found.withText(field) { text in unsafe text.withUnsafeBytes { unsafe row.set(field, text: $0) } }
        case .integer: if let value = try found.int64(field) { row.set(field, integer: value) }
        case .double: if let value = try found.double(field) { row.set(field, double: value) }
        case .boolean: if let value = try found.bool(field) { row.set(field, integer: value ? 1 : 0) }
        case .timestamp: if let value = try moment(field, found) { row.set(field, integer: value) }
        case .decimal(let scale):
            guard !found.isNull(field) else { return }
            guard let value = try decimal(field, found, scale) else {
                throw LookupError(
                    .value,
                    "\(name): column \(declared.name): a number with more than \(scale) digits behind the point, or beyond 64 "
                        + "bits, expected \(declared.type.name); declare more digits, or round it in a query")
            }
            row.set(field, integer: value)
        }
    }

    private func moment(_ field: Int, _ found: borrowing Row) throws -> Int64? {
        let wire = unsafe found.withUnsafeBytes(field) { unsafe $0.loadUnaligned(as: Int64.self).bigEndian }
        if wire == .max || wire == .min { return wire }
        return try found.microsecondsSince1970(field)
    }

    /// Nil when the number cannot be kept exactly.
    private func decimal(_ field: Int, _ found: borrowing Row, _ scale: Int) throws -> Int64? {
        var number = Decimal128(unscaled: 0, scale: 0)
        if found.columns.types[field] == 1_700 {
            guard let value = try found.numeric(field) else { return nil }
            number = value
        } else if let value = try found.int64(field) {
            number.unscaled = Int128(value)
        }
        var unscaled = number.unscaled
        for _ in scale..<max(scale, number.scale) {
            guard unscaled % 10 == 0 else { return nil }
            unscaled /= 10
        }
        for _ in number.scale..<max(scale, number.scale) {
            let (product, overflow) = unscaled.multipliedReportingOverflow(by: 10)
            if overflow { return nil }
            unscaled = product
        }
        return Int64(exactly: unscaled)
    }

    /// What went wrong, with the way out.
    private func described(_ error: PostgresError) -> LookupError {
        if error.kind == .cancelled {
            return LookupError(.cancelled, "\(name): the load was given up", isRetryable: true)
        }
        let code: LookupError.Code = error.sqlState == "42703" ? .column : .source
        let advice: String
        switch error.sqlState {
        case "42P01": advice = "; create it, or name its schema"
        case "42703": advice = "; name a column that the \(name) has"
        case "42501": advice = "; GRANT SELECT to this role"
        default: advice = ""
        }
        return LookupError(code, "\(name): \(error)\(advice)", isRetryable: error.isRetryable)
    }
}
