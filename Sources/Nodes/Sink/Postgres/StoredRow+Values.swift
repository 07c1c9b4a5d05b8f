import Postgres

extension StoredRow {
    /// A merged column as a whole number, nil for null.
    func int64(_ offset: Int) throws -> Int64? { try result.int64(row, column + offset) }

    /// A merged column as a double, nil for null.
    func double(_ offset: Int) throws -> Double? { try result.double(row, column + offset) }

    /// A merged column as a decimal, nil for null.
    func numeric(_ offset: Int) throws -> Decimal128? { try result.numeric(row, column + offset) }

    /// A merged column as microseconds since 1970, nil for null.
    func timestamp(_ offset: Int) throws -> Int64? { try result.microsecondsSince1970(row, column + offset) }

    /// Lends the bytes of a merged column; nil for null.
    func withBytes<Value>(_ offset: Int, _ body: (UnsafeRawBufferPointer) throws -> Value) rethrows -> Value? {
        unsafe try result.withUnsafeBytes(row, column + offset, body)
    }
}

extension Decimal128 {
    /// The unscaled value at another scale, nil when digits would be lost or 128 bits do not hold it.
    func rescaled(to target: Int) -> Int128? {
        var value = unscaled
        var scale = scale
        while scale < target {
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            if overflow { return nil }
            value = product
            scale += 1
        }
        while scale > target {
            let (quotient, remainder) = value.quotientAndRemainder(dividingBy: 10)
            if remainder != 0 { return nil }
            value = quotient
            scale -= 1
        }
        return value
    }

    /// The double nearest to it.
    var nearestDouble: Double {
        guard let value = Double("\(unscaled)e-\(scale)") else {
            preconditionFailure("digits with an exponent are a number")
        }
        return value
    }
}

extension ArrayBuilder {
    /// Appends a state, or null when the stored one is the same: an update then leaves the column alone, and a large
    /// sketch keeps its place out of line.
    mutating func append(_ bytes: [UInt8], unlessEqualTo stored: StoredRow?, _ offset: Int) {
        let isUnchanged = unsafe stored?.withBytes(offset) { unsafe $0.elementsEqual(bytes) } ?? false
        if isUnchanged { appendNull() } else { append(bytes) }
    }

    /// Appends a sum, nil as null.
    mutating func append(_ value: Int128?, scale: Int) {
        if let value { append(Decimal128(unscaled: value, scale: scale)) } else { appendNull() }
    }

    /// Appends a whole number, nil as null.
    mutating func append(_ value: Int64?) {
        if let value { append(value) } else { appendNull() }
    }

    /// Appends a double, nil as null.
    mutating func append(_ value: Double?) {
        if let value { append(value) } else { appendNull() }
    }
}
