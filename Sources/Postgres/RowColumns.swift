/// The columns of a statement's rows: their names and types, in order.
public struct RowColumns: Sendable {
    /// The names, as the statement gives them; two columns may share one.
    public let names: [String]
    /// The types, as `pg_type.oid`; a domain counts as what it is made of.
    public let types: [UInt32]
    /// Whether values come in binary, as all are asked for.
    let areBinary: Bool

    init(names: [String], types: [UInt32], areBinary: Bool) {
        self.names = names
        self.types = types
        self.areBinary = areBinary
    }

    /// How many there are.
    public var count: Int { names.count }

    /// The position of a name's first column, counted from 0; nil when there is none.
    /// - Complexity: O(columns); whoever reads many rows asks once.
    public func index(of name: String) -> Int? { names.firstIndex(of: name) }

    /// What is thrown for a name that no column has.
    func missing(_ name: String) -> PostgresError {
        PostgresError(
            .usage, "no column \(name)", hint: "the statement's columns are: \(names.joined(separator: ", "))")
    }
}
