/// A value of a dimension, as people see it.
public enum DimensionValue: Hashable, Sendable {
    /// UTF-8.
    case text(String)
    /// A whole number.
    case integer(Int64)
    /// Units of 10^-scale.
    case decimal(units: Int64, scale: Int)
    /// A binary number.
    case double(Double)
    /// True or false.
    case boolean(Bool)
    /// Microseconds since 1970-01-01 UTC; the least and the largest stand for moments without end.
    case timestamp(Int64)
}

extension DimensionRow {
    /// The value of a field, nil for null.
    public func value(_ field: Int, of type: DimensionType) -> DimensionValue? {
        let slot = slots[field]
        guard slot.isPresent else { return nil }
        let number = Int64(bitPattern: slot.bits)
        switch type {
        case .text:
            let start = Int(slot.bits)
            return .text(String(decoding: texts[start..<start + slot.length], as: UTF8.self))
        case .integer: return .integer(number)
        case .decimal(let scale): return .decimal(units: number, scale: scale)
        case .double: return .double(Double(bitPattern: slot.bits))
        case .boolean: return .boolean(number != 0)
        case .timestamp: return .timestamp(number)
        }
    }
}
