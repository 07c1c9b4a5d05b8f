import Sketches

/// Takes the value of one column as a double, as a cast of Postgres would make it.
struct NumberSink: ValueSink {
    /// The value appended last; nil for null and for what is no number.
    private(set) var value: Double?

    mutating func appendNull() { value = nil }
    mutating func append(_ value: Int64) { self.value = Double(value) }
    mutating func append(_ value: Double) { self.value = value }
    mutating func append(microsecondsSince1970: Int64) { value = nil }
    mutating func append(_ value: Bool) { self.value = nil }
    mutating func append(text: [UInt8]) { value = nil }
    mutating func append(json: [UInt8]) { value = nil }
    mutating func append(_ unscaled: Int128, scale: Int) {
        value = FixedDecimal(unscaled: unscaled, scale: scale).nearestDouble
    }
    mutating func append(_ sum: DoubleSum) { value = sum.nearest }
    mutating func append(_ bytes: [UInt8]) { value = nil }
}
