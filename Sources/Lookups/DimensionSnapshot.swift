/// A table at one moment, for as long as a batch needs it. What it answers lives as long as it does.
public struct DimensionSnapshot: Sendable {
    /// What the table holds.
    public let schema: DimensionSchema
    /// The generation of its shards; while a refresh replaces shards also the new one, of which some are.
    public let generations: [Generation]
    let shards: [Shard]

    init(schema: DimensionSchema, shards: [Shard], generations: [Generation]) {
        self.schema = schema
        self.shards = shards
        self.generations = generations
    }

    /// Rows of the table.
    public var rows: Int { shards.reduce(0) { $0 + $1.rows } }

    /// Runs `body` with the arrays of all shards, which are kept alive meanwhile.
    @inline(__always)
    func withViews<Result>(
        _ body: (UnsafePointer<UnsafeMutablePointer<ShardView>>) throws -> Result
    ) rethrows -> Result {
        try unsafe withUnsafeTemporaryAllocation(
            of: UnsafeMutablePointer<ShardView>.self, capacity: LookupLimits.shards
        ) { views in
            for (index, shard) in shards.enumerated() { unsafe views.initializeElement(at: index, to: shard.view) }
            defer { withExtendedLifetime(shards) {} }
            return try unsafe body(UnsafePointer(views.baseAddress!))
        }
    }

    /// One row's value of a cell.
    public func cell(_ column: Int, of row: RowHandle) -> DimensionCell {
        guard !row.isMissing else { return .null }
        let view = unsafe shards[row.shard].view
        let values = unsafe view.pointee.columns[column]
        if unsafe values.isNull(row.row) { return .null }
        switch schema.cells[column].type {
        case .text: return unsafe .text(String(decoding: values.text(row.row), as: UTF8.self))
        case .integer, .decimal, .timestamp: return unsafe .integer(values.word(row.row))
        case .double: return unsafe .double(Double(bitPattern: UInt64(bitPattern: values.word(row.row))))
        case .boolean: return unsafe .boolean(values.boolean(row.row) != 0)
        }
    }
}

/// A row of a ``DimensionSnapshot``, or none.
public struct RowHandle: Sendable, Equatable {
    private let bits: UInt32

    /// No row: the key is not in the table, or a field of it is null.
    public static let missing = RowHandle(bits: .max)

    private init(bits: UInt32) { self.bits = bits }

    init(shard: Int, row: Int) { bits = UInt32(truncatingIfNeeded: shard << LookupLimits.rowBits | row) }

    /// Whether there is no row.
    public var isMissing: Bool { bits == .max }
    var shard: Int { Int(bits >> UInt32(LookupLimits.rowBits)) }
    var row: Int { Int(bits & (1 << UInt32(LookupLimits.rowBits) - 1)) }
}

/// A value of a cell.
public enum DimensionCell: Sendable, Hashable {
    /// No value, or no row.
    case null
    /// A text.
    case text(String)
    /// An integer, a decimal's digits, or a timestamp in microseconds since 1970.
    case integer(Int64)
    /// A double.
    case double(Double)
    /// A boolean.
    case boolean(Bool)
}
