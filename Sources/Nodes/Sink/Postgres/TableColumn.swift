import Postgres
import Summaries

/// A column of a summary table.
struct TableColumn: Hashable, Sendable {
    /// The types Millrace writes.
    enum Kind: String, Sendable {
        case timestamptz
        case text
        case bigint
        case numeric
        case double = "double precision"
        case boolean
        case jsonb
        case bytea

        /// How an array of them travels.
        var element: ArrayBuilder.Element {
            switch self {
            case .timestamptz: .timestamptz
            case .text: .text
            case .bigint: .int8
            case .numeric: .numeric
            case .double: .float8
            case .boolean: .bool
            case .jsonb: .jsonb
            case .bytea: .bytea
            }
        }
    }

    /// The column's name.
    var name: String
    /// Its type.
    var kind: Kind
    /// Whether it may be null.
    var isNullable = true

    /// The name as SQL wants it.
    var quoted: String { SQLName.quote(name) }

    /// The column in CREATE TABLE. Text is compared by bytes, which needs no locale and never changes with it.
    var definition: String {
        quoted + " " + kind.rawValue + (kind == .text ? " COLLATE \"C\"" : "") + (isNullable ? "" : " NOT NULL")
    }
}

extension TableColumn {
    /// What holds a metric's column.
    init(_ column: ResultColumn) {
        self.init(name: column.name, kind: Kind(column.kind), isNullable: column.isNullable)
    }
}

extension TableColumn.Kind {
    fileprivate init(_ kind: ResultColumn.Kind) {
        self =
            switch kind {
            case .integer: .bigint
            case .decimal: .numeric
            case .double: .double
            case .timestamp: .timestamptz
            case .boolean: .boolean
            case .text: .text
            case .json: .jsonb
            case .bytes: .bytea
            }
    }
}
