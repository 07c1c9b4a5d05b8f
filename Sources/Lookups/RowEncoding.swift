import Platform
import Sketches

/// A row as bytes, on its way through the spill file; equal rows have equal bytes, so the digest is made of them too.
///
///     | length u32 | hash of the key u64 | from i64 | to i64 | key length u32 | key | cells |
///
/// `length` counts what follows it. A key is its fields' values one after the other: eight bytes for what is a number, a
/// text as its length in 16 bits and its bytes; a text that ends the key goes without a length. A cell is a byte that
/// says whether there is a value, and the value: eight bytes, or a text with its length in 16 bits.
enum RowEncoding {
    static let hashOffset = 4
    static let fromOffset = 12
    static let toOffset = 20
    static let keyLengthOffset = 28
    static let keyOffset = 32
}

/// Writes rows as bytes into a buffer of its own.
struct RowEncoder: ~Copyable {
    private let schema: DimensionSchema
    private let fields: [DimensionField]
    private let name: String
    private(set) var bytes: [UInt8] = []
    private(set) var keyHash: UInt64 = 0
    /// 128 bits that depend on every byte of the row.
    private(set) var digest: UInt128 = 0

    init(_ schema: DimensionSchema, name: String) {
        self.schema = schema
        self.name = name
        fields = schema.fields
    }

    /// Encodes a row; false when a field of its key is null, so that nothing equals it.
    /// - Throws: when a text is too long, or a row ends before it begins.
    mutating func encode(_ row: borrowing DimensionRow) throws(LookupError) -> Bool {
        bytes.removeAll(keepingCapacity: true)
        bytes.append(contentsOf: repeatElement(0, count: RowEncoding.keyOffset))
        for index in schema.keys.indices {
            guard row.slots[index].isPresent else { return false }
            try append(index, row, hasLength: index < schema.keys.count - 1)
        }
        let keyLength = bytes.count - RowEncoding.keyOffset
        guard keyLength <= LookupLimits.textBytesMax else {
            throw LookupError(
                .tooLarge, "\(name): a key of \(keyLength) bytes, expected at most \(LookupLimits.textBytesMax)")
        }
        for index in schema.keys.count..<schema.keys.count + schema.cells.count {
            let slot = row.slots[index]
            bytes.append(slot.isPresent ? 1 : 0)
            guard slot.isPresent else { continue }
            let value = Int64(bitPattern: slot.bits)
            guard fields[index].type != .timestamp || (value != .max && value != .min) else {
                throw LookupError(
                    .value,
                    "\(name): column \(fields[index].name): an infinite timestamp, expected an instant; make it null in a "
                        + "query")
            }
            try append(index, row, hasLength: true)
        }
        if schema.validity != nil { try storeValidity(row, keyLength) }
        store(UInt32(keyLength), at: RowEncoding.keyLengthOffset)
        store(UInt32(bytes.count - 4), at: 0)
        unsafe bytes.withUnsafeBytes { all in
            keyHash = unsafe MurmurHash3.hash(all.baseAddress! + RowEncoding.keyOffset, count: keyLength)
        }
        // Two hashes over different bytes: the first without the hash of the key, the second with it.
        store(keyHash, at: RowEncoding.hashOffset)
        unsafe bytes.withUnsafeBytes { all in
            let low = unsafe MurmurHash3.hash(UnsafeRawBufferPointer(rebasing: all[RowEncoding.fromOffset...]))
            digest = UInt128(unsafe MurmurHash3.hash(all)) << 64 | UInt128(low)
        }
        return true
    }

    /// The key just encoded, as messages show it.
    var shownKey: String {
        unsafe bytes.withUnsafeBytes { all in
            let length = unsafe Int(all.loadUnaligned(fromByteOffset: RowEncoding.keyLengthOffset, as: UInt32.self))
            let start = RowEncoding.keyOffset
            return unsafe schema.shown(key: UnsafeRawBufferPointer(rebasing: all[start..<start + length]))
        }
    }

    private mutating func append(
        _ index: Int, _ row: borrowing DimensionRow, hasLength: Bool
    ) throws(LookupError) {
        let slot = row.slots[index]
        guard fields[index].type == .text else {
            unsafe withUnsafeBytes(of: slot.bits.littleEndian) { unsafe bytes.append(contentsOf: $0) }
            return
        }
        guard slot.length <= LookupLimits.textBytesMax else {
            throw LookupError(
                .tooLarge,
                "\(name): column \(fields[index].name): a text of \(slot.length) bytes, expected at most "
                    + "\(LookupLimits.textBytesMax)")
        }
        if hasLength {
            bytes.append(UInt8(truncatingIfNeeded: slot.length))
            bytes.append(UInt8(truncatingIfNeeded: slot.length >> 8))
        }
        let start = Int(slot.bits)
        bytes.append(contentsOf: row.texts[start..<start + slot.length])
    }

    private mutating func storeValidity(_ row: borrowing DimensionRow, _ keyLength: Int) throws(LookupError) {
        let from = row.slots[fields.count - 2]
        let to = row.slots[fields.count - 1]
        let begin = from.isPresent ? Int64(bitPattern: from.bits) : .min
        let end = to.isPresent ? Int64(bitPattern: to.bits) : .max
        store(UInt32(keyLength), at: RowEncoding.keyLengthOffset)
        guard begin <= end else {
            throw LookupError(
                .validity,
                "\(name): key \(shownKey): a row ends before it begins, found \(Validity.text(begin, end)); "
                    + "expected from ≤ to")
        }
        store(UInt64(bitPattern: begin), at: RowEncoding.fromOffset)
        store(UInt64(bitPattern: end), at: RowEncoding.toOffset)
    }

    private mutating func store<Value: FixedWidthInteger & BitwiseCopyable>(_ value: Value, at offset: Int) {
        unsafe bytes.withUnsafeMutableBytes { unsafe $0.storeBytes(of: value, toByteOffset: offset, as: Value.self) }
    }
}

extension DimensionType {
    /// A value of a key that is no text, as it is written.
    fileprivate func shown(_ value: Int64) -> String {
        switch self {
        case .boolean: return value == 0 ? "false" : "true"
        case .timestamp: return Validity.moment(value)
        case .decimal(let scale): return DecimalText.of(units: value, scale: scale)
        default: return String(value)
        }
    }
}

/// Moments for people.
enum Validity {
    static func text(_ from: Int64, _ to: Int64) -> String {
        "[\(from == .min ? "-∞" : moment(from)), \(to == .max ? "∞" : moment(to)))"
    }

    /// ISO 8601, in UTC.
    static func moment(_ microseconds: Int64) -> String {
        func pad(_ value: Int64, _ width: Int) -> String {
            let digits = String(value)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        let seconds = microseconds >= 0 ? microseconds / 1_000_000 : -((999_999 - microseconds) / 1_000_000)
        let fraction = microseconds - seconds * 1_000_000
        let days = seconds >= 0 ? seconds / 86_400 : -((86_399 - seconds) / 86_400)
        let ofDay = seconds - days * 86_400
        let date = CivilDate(daysSince1970: days)
        let clock = "\(pad(ofDay / 3_600, 2)):\(pad(ofDay / 60 % 60, 2)):\(pad(ofDay % 60, 2))"
        return "\(pad(date.year, 4))-\(pad(date.month, 2))-\(pad(date.day, 2))T\(clock)"
            + (fraction == 0 ? "" : ".\(pad(fraction, 6))") + "Z"
    }
}

extension DimensionSchema {
    /// A key as messages show it: texts in quotes, cut when long.
    func shown(key: UnsafeRawBufferPointer) -> String {
        var parts: [String] = []
        var offset = 0
        for (index, field) in keys.enumerated() {
            guard field.type == .text else {
                let value = unsafe key.loadUnaligned(fromByteOffset: offset, as: Int64.self)
                parts.append(field.type.shown(value))
                offset += 8
                continue
            }
            var length = key.count - offset
            if index < keys.count - 1 {
                length = unsafe Int(key.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
                offset += 2
            }
            let shown = min(length, LookupLimits.shownKeyBytes)
            let text = unsafe String(decoding: key[offset..<offset + shown], as: UTF8.self)
            parts.append("'\(text)\(shown < length ? "…" : "")'")
            offset += length
        }
        return parts.joined(separator: ", ")
    }
}
