import Dataflow

/// The type of a value inside an expression: those that columns have, and two that none has.
enum ValueType: Hashable, Sendable, CustomStringConvertible {
    case text
    case integer
    case decimal(scale: Int)
    case double
    case boolean
    case timestamp
    /// What a clock on a wall shows: what `at time zone` makes of a timestamp.
    case localTimestamp
    /// A fixed length of time.
    case interval

    init(_ type: ColumnType) {
        self =
            switch type {
            case .text: .text
            case .integer: .integer
            case .decimal(let scale): .decimal(scale: scale)
            case .double: .double
            case .boolean: .boolean
            case .timestamp: .timestamp
            }
    }

    /// The type of a column of such values; nil when there is none.
    var column: ColumnType? {
        switch self {
        case .text: .text
        case .integer: .integer
        case .decimal(let scale): .decimal(scale: scale)
        case .double: .double
        case .boolean: .boolean
        case .timestamp: .timestamp
        case .localTimestamp, .interval: nil
        }
    }

    /// The name used in messages.
    var description: String {
        switch self {
        case .localTimestamp: "local timestamp"
        case .interval: "interval"
        default: column?.description ?? ""
        }
    }

    /// Whether values can be added and compared as numbers.
    var isNumeric: Bool {
        switch self {
        case .integer, .decimal, .double: true
        default: false
        }
    }

    /// Digits after the point of an exact number, nil for other types.
    var exactScale: Int? {
        switch self {
        case .integer: 0
        case .decimal(let scale): scale
        default: nil
        }
    }

    /// The type that holds values of both, nil when there is none.
    static func common(_ a: ValueType, _ b: ValueType) -> ValueType? {
        if a == b { return a }
        guard a.isNumeric, b.isNumeric else { return nil }
        guard let left = a.exactScale, let right = b.exactScale else { return .double }
        return .decimal(scale: max(left, right))
    }
}
