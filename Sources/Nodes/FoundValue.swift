import Dataflow
import Summaries

/// The value that a record has where something is wrong, short enough for its dead letter.
enum FoundValue {
    /// The JSON value that begins at a byte of a record; nil when none does, or when it is an array or an object.
    static func json(in record: UnsafeRawBufferPointer, at start: Int) -> String? {
        guard record.indices.contains(start) else { return nil }
        let isText = unsafe record[start] == UInt8(ascii: "\"")
        guard unsafe isText || isScalar(record[start]) else { return nil }
        var end = start + 1
        while end < record.count, unsafe isText ? record[end] != UInt8(ascii: "\"") : isScalar(record[end]) {
            end += unsafe isText && record[end] == UInt8(ascii: "\\") ? 2 : 1
        }
        let isClosed = isText && end < record.count
        return unsafe text(
            UnsafeRawBufferPointer(rebasing: record[start..<min(record.count, isClosed ? end + 1 : end)]))
    }

    /// What a column holds in a row; nil for null.
    static func shown(_ column: Column, _ row: Int) -> String? {
        guard unsafe column.valid[row] != 0 else { return nil }
        switch column.type {
        case .text:
            let slice = unsafe column.slices[row]
            return unsafe text(
                UnsafeRawBufferPointer(start: column.base + Int(slice.offset), count: Int(slice.length)))
        case .double: return unsafe "\(column.doubles[row])"
        case .boolean: return unsafe column.booleans[row] != 0 ? "true" : "false"
        case .decimal(let scale):
            var digits: [UInt8] = []
            unsafe digits.appendDecimal(unscaled: Int128(column.integers[row]), scale: scale)
            return String(decoding: digits, as: UTF8.self)
        default: return unsafe "\(column.integers[row])"
        }
    }

    /// Bytes as text, cut where they are many.
    static func text(_ bytes: UnsafeRawBufferPointer) -> String {
        let isLong = bytes.count > Limits.foundValueBytesMax
        // Behind a whole character: what was cut in the middle is none.
        var end = min(bytes.count, Limits.foundValueBytesMax)
        while isLong, end > 0, unsafe bytes[end] & 0xc0 == 0x80 { end -= 1 }
        return unsafe String(decoding: UnsafeRawBufferPointer(rebasing: bytes[..<end]), as: UTF8.self)
            + (isLong ? "…" : "")
    }

    private static func isScalar(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."):
            true
        default: false
        }
    }
}
