import Dataflow
import JSON
import Lookups

extension ColumnType {
    /// The type of a batch's column with the values of a dimension's.
    init(_ type: DimensionType) {
        switch type {
        case .text: self = .text
        case .integer: self = .integer
        case .decimal(let scale): self = .decimal(scale: scale)
        case .double: self = .double
        case .boolean: self = .boolean
        case .timestamp: self = .timestamp
        }
    }
}

extension DimensionType {
    /// The type of a field that is compared with records' fields of a type; nil for doubles.
    init?(keyOf type: ColumnType) {
        switch type {
        case .text: self = .text
        case .integer: self = .integer
        case .decimal(let scale): self = .decimal(scale: scale)
        case .boolean: self = .boolean
        case .timestamp: self = .timestamp
        case .double: return nil
        }
    }

    /// The type that a topology file names; nil for none.
    init?(named text: String) {
        switch ParsePlan.fieldType(text) {
        case .text: self = .text
        case .integer: self = .integer
        case .decimal(scale: let scale): self = .decimal(scale: scale)
        case .double: self = .double
        case .boolean: self = .boolean
        case .timestamp(.rfc3339): self = .timestamp
        default: return nil
        }
    }
}
