/// Type numbers (`pg_type.oid`) that never change.
enum TypeOID {
    static let bool: UInt32 = 16
    static let bytea: UInt32 = 17
    static let char: UInt32 = 18
    static let name: UInt32 = 19
    static let int8: UInt32 = 20
    static let int2: UInt32 = 21
    static let int4: UInt32 = 23
    static let text: UInt32 = 25
    static let oid: UInt32 = 26
    static let json: UInt32 = 114
    static let float4: UInt32 = 700
    static let float8: UInt32 = 701
    static let unknown: UInt32 = 705
    static let bpchar: UInt32 = 1042
    static let varchar: UInt32 = 1043
    static let timestamp: UInt32 = 1114
    static let timestamptz: UInt32 = 1184
    static let numeric: UInt32 = 1700
    static let jsonb: UInt32 = 3802
    /// Types of extensions and users start here.
    static let firstUserDefined: UInt32 = 16_384
}

/// `timestamptz` in binary is a count of microseconds from 2000-01-01 UTC; ours counts from 1970-01-01 UTC.
enum TimestampWire {
    /// Microseconds from 1970-01-01 to 2000-01-01.
    static let epochShift: Int64 = 946_684_800_000_000

    /// The value for the wire. Instants too far back for it become one that the server refuses with 22008: the
    /// lowest bit pattern itself would mean `-infinity`, and be accepted.
    static func encode(_ microsecondsSince1970: Int64) -> Int64 {
        let (value, overflow) = microsecondsSince1970.subtractingReportingOverflow(epochShift)
        return overflow || value == .min ? .min + 1 : value
    }

    /// Nil for `infinity`, `-infinity` and what 64 bits cannot hold from 1970.
    static func decode(_ value: Int64) -> Int64? {
        guard value != .max, value != .min else { return nil }
        let (shifted, overflow) = value.addingReportingOverflow(epochShift)
        return overflow ? nil : shifted
    }
}

/// Values in binary: each answers nil for bytes that are of another type.
enum WireValue {
    /// What a value of a type is not. Numerics and moments have values besides those that are wanted: NaN, infinities, and
    /// what is out of range.
    static func mismatch(_ column: String, _ type: UInt32, _ wanted: StaticString) -> PostgresError {
        let isOfWanted =
            type == TypeOID.numeric && "\(wanted)".contains("numeric")
            || type == TypeOID.timestamptz && "\(wanted)".contains("timestamptz")
        return PostgresError(
            .usage,
            "column \(column) "
                + (isOfWanted ? "holds another value, such as NaN or infinity" : "has the type with oid \(type)")
                + ", expected \(wanted)")
    }

    static func bool(_ type: UInt32, _ bytes: RawSpan) -> Bool? {
        type == TypeOID.bool && bytes.byteCount == 1 ? bytes.byte(at: 0) != 0 : nil
    }

    static func int32(_ type: UInt32, _ bytes: RawSpan) -> Int32? {
        switch (type, bytes.byteCount) {
        case (TypeOID.int2, 2): Int32(Int16(bitPattern: bytes.bigEndian16(at: 0)))
        case (TypeOID.int4, 4): Int32(bitPattern: bytes.bigEndian32(at: 0))
        default: nil
        }
    }

    static func int64(_ type: UInt32, _ bytes: RawSpan) -> Int64? {
        switch (type, bytes.byteCount) {
        case (TypeOID.int2, 2): Int64(Int16(bitPattern: bytes.bigEndian16(at: 0)))
        case (TypeOID.int4, 4): Int64(Int32(bitPattern: bytes.bigEndian32(at: 0)))
        case (TypeOID.oid, 4): Int64(bytes.bigEndian32(at: 0))
        case (TypeOID.int8, 8): Int64(bitPattern: bytes.bigEndian64(at: 0))
        default: nil
        }
    }

    static func double(_ type: UInt32, _ bytes: RawSpan) -> Double? {
        switch (type, bytes.byteCount) {
        case (TypeOID.float4, 4): Double(Float(bitPattern: bytes.bigEndian32(at: 0)))
        case (TypeOID.float8, 8): Double(bitPattern: bytes.bigEndian64(at: 0))
        default: nil
        }
    }

    static func microsecondsSince1970(_ type: UInt32, _ bytes: RawSpan) -> Int64? {
        guard type == TypeOID.timestamptz || type == TypeOID.timestamp, bytes.byteCount == 8 else { return nil }
        return TimestampWire.decode(Int64(bitPattern: bytes.bigEndian64(at: 0)))
    }

    static func numeric(_ type: UInt32, _ bytes: RawSpan) -> Decimal128? {
        type == TypeOID.numeric ? NumericWire.decode(bytes) : nil
    }

    static func text(_ type: UInt32, _ bytes: RawSpan) -> String? {
        guard isText(type) else { return nil }
        return unsafe bytes.withUnsafeBytes { unsafe String(validating: $0, as: UTF8.self) }
    }

    static func bytes(_ type: UInt32, _ bytes: RawSpan) -> [UInt8]? {
        type == TypeOID.bytea ? unsafe bytes.withUnsafeBytes { unsafe [UInt8]($0) } : nil
    }

    /// Whether the binary form of a type is its text.
    static func isText(_ type: UInt32) -> Bool {
        switch type {
        case TypeOID.text, TypeOID.varchar, TypeOID.bpchar, TypeOID.name, TypeOID.json, TypeOID.char, TypeOID.unknown,
            TypeOID.firstUserDefined...:
            true
        default: false
        }
    }
}

extension RawSpan {
    func byte(at offset: Int) -> UInt8 { unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self) }

    func bigEndian16(at offset: Int) -> UInt16 {
        unsafe UInt16(bigEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt16.self))
    }

    func bigEndian32(at offset: Int) -> UInt32 {
        unsafe UInt32(bigEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }

    func bigEndian64(at offset: Int) -> UInt64 {
        unsafe UInt64(bigEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
}
