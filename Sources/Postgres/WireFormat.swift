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

extension RawSpan {
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
