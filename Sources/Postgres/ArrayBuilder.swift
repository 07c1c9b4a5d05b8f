/// Builds one PostgreSQL array in its binary form, element by element, in one growing buffer.
///
/// Made for `unnest` upserts of tens of thousands of rows: appending allocates nothing once the buffer has its size,
/// and ``reset()`` keeps it. Passing a builder as a ``Parameter`` copies nothing; the buffer is copied only if the
/// builder changes while such a parameter still exists.
///
///     | ndim i32 = 1 | hasNull i32 | element oid u32 | count i32 | lower bound i32 = 1 | (length i32, bytes) x count |
public struct ArrayBuilder: Sendable {
    /// What an array holds.
    public enum Element: Sendable, Hashable {
        /// `boolean`
        case bool
        /// `integer`
        case int4
        /// `bigint`
        case int8
        /// `double precision`
        case float8
        /// `text`: valid UTF-8 without NUL, or the server refuses it with 22021
        case text
        /// `bytea`
        case bytea
        /// `timestamptz`
        case timestamptz
        /// `numeric`
        case numeric
        /// `jsonb`: valid JSON in UTF-8, or the server refuses it
        case jsonb
    }

    /// What this array holds.
    public let element: Element
    /// Elements so far, nulls included.
    public private(set) var count = 0
    private(set) var bytes: [UInt8]

    private static let headerBytes = 20

    /// An empty array.
    /// - Parameter capacityBytes: space to reserve; an element takes 4 bytes plus its value.
    public init(_ element: Element, capacityBytes: Int = 0) {
        self.element = element
        bytes = []
        bytes.reserveCapacity(max(capacityBytes, Self.headerBytes))
        writeHeader()
    }

    /// Bytes that the array takes on the wire.
    public var byteCount: Int { bytes.count }

    /// Bytes allocated.
    public var memoryBytes: Int { bytes.capacity }

    /// Drops all elements and keeps the buffer.
    public mutating func reset() {
        count = 0
        bytes.removeAll(keepingCapacity: true)
        writeHeader()
    }

    /// Appends SQL NULL.
    public mutating func appendNull() {
        put32(.max)  // length -1
        bytes[7] = 1
        countOne()
    }

    /// Appends to an array of ``Element/bool``.
    public mutating func append(_ value: Bool) {
        expect(.bool)
        put32(1)
        bytes.append(value ? 1 : 0)
        countOne()
    }

    /// Appends to an array of ``Element/int4``.
    public mutating func append(_ value: Int32) {
        expect(.int4)
        put32(4)
        put32(UInt32(bitPattern: value))
        countOne()
    }

    /// Appends to an array of ``Element/int8``.
    public mutating func append(_ value: Int64) {
        expect(.int8)
        put32(8)
        put64(UInt64(bitPattern: value))
        countOne()
    }

    /// Appends to an array of ``Element/float8``. NaN and infinities go through as they are.
    public mutating func append(_ value: Double) {
        expect(.float8)
        put32(8)
        put64(value.bitPattern)
        countOne()
    }

    /// Appends to an array of ``Element/timestamptz``: microseconds since 1970-01-01 UTC.
    public mutating func append(microsecondsSince1970 value: Int64) {
        expect(.timestamptz)
        put32(8)
        put64(UInt64(bitPattern: TimestampWire.encode(value)))
        countOne()
    }

    /// Appends to an array of ``Element/numeric``, exactly.
    public mutating func append(_ value: Decimal128) {
        expect(.numeric)
        let start = bytes.count
        put32(0)
        NumericWire.append(value, to: &bytes)
        store32(UInt32(bytes.count - start - 4), at: start)
        countOne()
    }

    /// Appends to an array of ``Element/numeric``: `digits` x 10^`exponent`, with no more decimal places than it needs.
    /// - Precondition: `exponent` within ±16,000.
    public mutating func append(isNegative: Bool, digits: UInt64, exponent: Int) {
        expect(.numeric)
        let start = bytes.count
        put32(0)
        NumericWire.append(isNegative: isNegative, digits: digits, exponent: exponent, to: &bytes)
        store32(UInt32(bytes.count - start - 4), at: start)
        countOne()
    }

    /// Appends to an array of ``Element/text``.
    public mutating func append(_ value: String) {
        expect(.text)
        put32(UInt32(value.utf8.count))
        bytes.append(contentsOf: value.utf8)
        countOne()
    }

    /// Appends to an array of ``Element/bytea`` or ``Element/text`` (then UTF-8) from memory that need only live
    /// during the call.
    public mutating func append(_ value: UnsafeRawBufferPointer) {
        precondition(element == .bytea || element == .text, "raw bytes go into arrays of bytea or text")
        put32(UInt32(value.count))
        unsafe bytes.append(contentsOf: value)
        countOne()
    }

    /// Appends to an array of ``Element/bytea`` or ``Element/text`` (then UTF-8).
    public mutating func append(_ value: RawSpan) {
        unsafe value.withUnsafeBytes { unsafe append($0) }
    }

    /// Appends to an array of ``Element/bytea`` or ``Element/text`` (then UTF-8).
    public mutating func append(_ value: [UInt8]) {
        precondition(element == .bytea || element == .text, "bytes go into arrays of bytea or text")
        put32(UInt32(value.count))
        bytes.append(contentsOf: value)
        countOne()
    }

    /// Appends to an array of ``Element/jsonb``: the UTF-8 of a JSON value.
    public mutating func append(json value: [UInt8]) {
        expect(.jsonb)
        put32(UInt32(value.count + 1))
        // The version of the binary form.
        bytes.append(1)
        bytes.append(contentsOf: value)
        countOne()
    }

    // MARK: - Bytes

    private func expect(_ type: Element) {
        precondition(element == type, "the value's type is not the array's element type")
    }

    private mutating func writeHeader() {
        put32(1)
        put32(0)
        put32(element.oid)
        put32(0)
        put32(1)
    }

    /// The header is kept true after every element, so that a builder can be bound without another copy.
    private mutating func countOne() {
        count += 1
        store32(UInt32(count), at: 12)
    }

    private mutating func put32(_ value: UInt32) {
        unsafe withUnsafeBytes(of: value.bigEndian) { unsafe bytes.append(contentsOf: $0) }
    }

    private mutating func put64(_ value: UInt64) {
        unsafe withUnsafeBytes(of: value.bigEndian) { unsafe bytes.append(contentsOf: $0) }
    }

    private mutating func store32(_ value: UInt32, at offset: Int) {
        bytes[offset] = UInt8(truncatingIfNeeded: value >> 24)
        bytes[offset + 1] = UInt8(truncatingIfNeeded: value >> 16)
        bytes[offset + 2] = UInt8(truncatingIfNeeded: value >> 8)
        bytes[offset + 3] = UInt8(truncatingIfNeeded: value)
    }
}

extension ArrayBuilder.Element {
    /// `pg_type.oid` of one element.
    var oid: UInt32 {
        switch self {
        case .bool: TypeOID.bool
        case .int4: TypeOID.int4
        case .int8: TypeOID.int8
        case .float8: TypeOID.float8
        case .text: TypeOID.text
        case .bytea: TypeOID.bytea
        case .timestamptz: TypeOID.timestamptz
        case .numeric: TypeOID.numeric
        case .jsonb: TypeOID.jsonb
        }
    }

    /// `pg_type.oid` of the array.
    var arrayOID: UInt32 {
        switch self {
        case .bool: 1000
        case .int4: 1007
        case .int8: 1016
        case .float8: 1022
        case .text: 1009
        case .bytea: 1001
        case .timestamptz: 1185
        case .numeric: 1231
        case .jsonb: 3807
        }
    }
}
