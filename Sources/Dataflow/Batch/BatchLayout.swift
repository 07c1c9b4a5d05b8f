/// The columns of a source's batches: those that its parser fills, and those that nodes behind it add.
///
/// A column belongs to the node that fills it, and has its memory from the moment the batch's rows are made: nodes of
/// different branches may work on a batch at once, so none of them may move what another one reads.
public struct BatchLayout: Sendable, Equatable {
    private enum Place: Sendable, Equatable {
        /// Memory of its own.
        case own(ColumnType)
        /// Another column under a second number.
        case alias(of: Int)
        /// Nothing: the number is in use in the batches of another source.
        case none
    }

    private var places: [Place]
    /// How many of the columns the parser fills.
    public let parsedCount: Int

    /// A layout of the columns that a parser fills.
    public init(_ types: [ColumnType] = []) {
        places = types.map { .own($0) }
        parsedCount = types.count
    }

    /// How many numbers of columns are in use.
    public var count: Int { places.count }

    /// Adds a column that a node behind the parser fills.
    public mutating func add(_ type: ColumnType, as number: Int) {
        precondition(number >= places.count, "a number that is in use cannot be given again")
        while places.count < number { places.append(.none) }
        places.append(.own(type))
    }

    /// Makes `column` known under the number `alias` as well: what several sources have in common must have one number.
    public mutating func alias(_ column: Int, as alias: Int) {
        precondition(alias >= places.count && column < places.count, "a number that is in use cannot be given again")
        while places.count < alias { places.append(.none) }
        places.append(.alias(of: origin(of: column)))
    }

    /// The column whose memory a number stands for.
    public func origin(of column: Int) -> Int {
        if case .alias(let origin) = places[column] { origin } else { column }
    }

    /// The type of the values in a column's own memory; nil where it has none.
    func ownType(of column: Int) -> ColumnType? {
        if case .own(let type) = places[column] { type } else { nil }
    }

    /// Bytes that one row takes in all columns: values and validity, and where it has a hash, that.
    public var rowBytes: Int {
        places.reduce(0) { sum, place in
            if case .own(let type) = place { sum + type.stride + 1 } else { sum }
        }
    }
}
