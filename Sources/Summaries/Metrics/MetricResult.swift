package import Sketches

/// Shows and merges the states of one metric, a group at a time; it is made once and reused for any number of groups.
///
/// States are never changed: a transaction may have to be written again.
package protocol MetricResult: AnyObject {
    /// Makes the result that of a group, merged with what is stored.
    /// - Parameters:
    ///   - state: a state of the metric.
    ///   - stored: the row as it is; nil for a new one.
    /// - Throws: `StoredValueError` when a stored value is none of Millrace's, or the total leaves its column's range;
    ///   nothing without a stored row.
    func load(_ group: Int, of state: any MetricState, merging stored: (any StoredValues)?) throws

    /// Appends the value of a column of the group loaded last: exactly one value, or null.
    /// - Parameter column: its position among the metric's columns.
    func write(_ column: Int, to sink: inout some ValueSink)
}

/// Where the values of a result go, one after the other; whoever asks for them knows which column they are of.
package protocol ValueSink {
    /// Appends that there is no value.
    mutating func appendNull()
    /// Appends a whole number.
    mutating func append(_ value: Int64)
    /// Appends a finite double; -0 is 0.
    mutating func append(_ value: Double)
    /// Appends a moment, in microseconds since 1970.
    mutating func append(microsecondsSince1970 value: Int64)
    /// Appends true or false.
    mutating func append(_ value: Bool)
    /// Appends text in UTF-8.
    mutating func append(text: [UInt8])
    /// Appends a value of JSON, in UTF-8.
    mutating func append(json: [UInt8])
    /// Appends `unscaled` x 10^-`scale`.
    mutating func append(_ unscaled: Int128, scale: Int)
    /// Appends the sum of doubles to a column of decimals: the nearest double, or digits beyond the largest one.
    /// - Precondition: it is not empty.
    mutating func append(_ sum: DoubleSum)
    /// Appends a state. A sink that keeps what it has may leave alone what is the same.
    mutating func append(_ bytes: [UInt8])
}

extension ValueSink {
    /// Appends a whole number, nil as null.
    package mutating func append(_ value: Int64?) { if let value { append(value) } else { appendNull() } }

    /// Appends a double, nil as null.
    package mutating func append(_ value: Double?) { if let value { append(value) } else { appendNull() } }

    /// Appends a decimal, nil as null.
    package mutating func append(_ unscaled: Int128?, scale: Int) {
        if let unscaled { append(unscaled, scale: scale) } else { appendNull() }
    }
}

/// One metric's columns of a row that is there already, nil standing for null. A column is known by its position among
/// the metric's columns; only those that merge rows are there.
///
/// What cannot be read as what it should be is a `StoredValueError`.
package protocol StoredValues: AnyObject {
    /// A whole number.
    func integer(_ column: Int) throws -> Int64?
    /// A double, NaN and infinities included.
    func double(_ column: Int) throws -> Double?
    /// True or false.
    func boolean(_ column: Int) throws -> Bool?
    /// A decimal.
    func decimal(_ column: Int) throws -> FixedDecimal?
    /// A moment, in microseconds since 1970.
    func timestamp(_ column: Int) throws -> Int64?
    /// Lends the bytes of a state or of a text.
    /// - Returns: whether there is one.
    func withBytes(_ column: Int, _ body: (UnsafeRawBufferPointer) throws -> Void) throws -> Bool
}
