/// Where the rows of a dimension come from.
///
/// A source streams: it hands over row after row, in any order, and holds no more of them than one. It is read on a thread
/// that may block, once per load, from beginning to end.
public protocol DimensionSource: Sendable {
    /// Hands over all rows.
    /// - Parameters:
    ///   - fields: what is wanted of each row; names are those of the source's columns.
    ///   - emit: is given a row whose values are set in the order of `fields`. It is valid until `emit` returns. What it
    ///     throws ends the reading, and is thrown on.
    /// - Throws: ``LookupError``, whose message names the place (file and line, or table and column) and the way out.
    func read(_ fields: [DimensionField], _ emit: (borrowing DimensionRow) throws -> Void) throws
}

/// One row on its way from a source into a table.
///
/// A source keeps one and sets its values again for each row. Texts are copied into the row.
public struct DimensionRow: ~Copyable {
    /// A value: a number's bits, or where a text lies in `texts`.
    struct Slot {
        var isPresent = false
        var bits: UInt64 = 0
        var length = 0
    }

    private(set) var slots: [Slot]
    private(set) var texts: [UInt8] = []

    /// A row of `count` fields, all null.
    public init(count: Int) { slots = Array(repeating: Slot(), count: count) }

    /// Makes all values null.
    public mutating func clear() {
        for index in slots.indices { slots[index].isPresent = false }
        texts.removeAll(keepingCapacity: true)
    }

    /// Sets an integer, a decimal's digits, a timestamp's microseconds since 1970, or a boolean as 0 or 1.
    public mutating func set(_ field: Int, integer: Int64) {
        slots[field] = Slot(isPresent: true, bits: UInt64(bitPattern: integer))
    }

    /// Sets a double.
    public mutating func set(_ field: Int, double: Double) {
        slots[field] = Slot(isPresent: true, bits: double.bitPattern)
    }

    /// Sets a text to some UTF-8.
    public mutating func set(_ field: Int, text: UnsafeRawBufferPointer) {
        slots[field] = Slot(isPresent: true, bits: UInt64(texts.count), length: text.count)
        unsafe texts.append(contentsOf: text)
    }

    /// Sets the fields from `first` on to the values of another row.
    public mutating func copy(_ other: borrowing DimensionRow, from first: Int) {
        for (index, slot) in other.slots.enumerated() {
            slots[first + index] = slot
            slots[first + index].bits &+= slot.length > 0 ? UInt64(texts.count) : 0
        }
        texts.append(contentsOf: other.texts)
    }

    /// Sets a text.
    public mutating func set(_ field: Int, text: String) {
        var text = text
        text.withUTF8 { utf8 in unsafe set(field, text: UnsafeRawBufferPointer(utf8)) }
    }
}
