/// Writes small databases in MaxMind's format, version 2.0, with records of 24 bits: a binary tree over the bits of
/// addresses, then the records, then a map that describes the whole.
package struct DatabaseWriter {
    /// A value of a record.
    package indirect enum Value {
        /// UTF-8.
        case text(String)
        /// 64 bits.
        case double(Double)
        /// 32 bits.
        case float(Float)
        /// Up to 16 bits.
        case unsigned16(UInt16)
        /// Up to 32 bits.
        case unsigned32(UInt32)
        /// Up to 64 bits.
        case unsigned64(UInt64)
        /// 32 bits.
        case signed32(Int32)
        /// True or false.
        case boolean(Bool)
        /// Values by position.
        case array([Value])
        /// Values by key.
        case map([(String, Value)])
    }

    private enum Branch {
        case none
        case node(Int)
        case record(Int)
    }

    private var nodes: [[Branch]] = [[.none, .none]]
    private var records: [UInt8] = []
    private let addressVersion: UInt16

    /// A database of addresses of version 4 or 6.
    package init(addressVersion: UInt16) { self.addressVersion = addressVersion }

    /// Adds a network: the first `length` bits of an address of 4 or 16 bytes.
    package mutating func add(_ address: [UInt8], length: Int, _ value: Value) {
        let start = records.count
        Self.append(value, to: &records)
        var node = 0
        for bit in 0..<length {
            let side = Int(address[bit / 8] >> UInt8(7 - bit % 8)) & 1
            if bit == length - 1 {
                nodes[node][side] = .record(start)
                return
            }
            if case .node(let next) = nodes[node][side] {
                node = next
            } else {
                nodes.append([.none, .none])
                nodes[node][side] = .node(nodes.count - 1)
                node = nodes.count - 1
            }
        }
    }

    /// The whole file.
    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        for node in nodes {
            for branch in node {
                let number: Int
                switch branch {
                case .none: number = nodes.count
                case .node(let next): number = next
                case .record(let start): number = nodes.count + 16 + start
                }
                bytes += [UInt8(number >> 16), UInt8(number >> 8 & 0xff), UInt8(number & 0xff)]
            }
        }
        bytes += [UInt8](repeating: 0, count: 16)
        bytes += records
        bytes += [0xab, 0xcd, 0xef] + Array("MaxMind.com".utf8)
        Self.append(
            .map([
                ("node_count", .unsigned32(UInt32(nodes.count))), ("record_size", .unsigned16(24)),
                ("ip_version", .unsigned16(addressVersion)), ("binary_format_major_version", .unsigned16(2)),
                ("binary_format_minor_version", .unsigned16(0)), ("build_epoch", .unsigned64(1_767_225_600)),
                ("database_type", .text("Test-City")), ("languages", .array([.text("en")])),
                ("description", .map([("en", .text("a test"))])),
            ]), to: &bytes)
        return bytes
    }

    private static func append(_ value: Value, to bytes: inout [UInt8]) {
        switch value {
        case .text(let text):
            control(2, text.utf8.count, &bytes)
            bytes += Array(text.utf8)
        case .double(let number): fixed(3, number.bitPattern, &bytes)
        case .float(let number): fixed(15, number.bitPattern, &bytes)
        case .unsigned16(let number): shortened(5, UInt64(number), &bytes)
        case .unsigned32(let number): shortened(6, UInt64(number), &bytes)
        case .unsigned64(let number): shortened(9, number, &bytes)
        case .signed32(let number): fixed(8, UInt32(bitPattern: number), &bytes)
        case .boolean(let flag): control(14, flag ? 1 : 0, &bytes)
        case .array(let values):
            control(11, values.count, &bytes)
            for each in values { append(each, to: &bytes) }
        case .map(let pairs):
            control(7, pairs.count, &bytes)
            for (key, each) in pairs {
                append(.text(key), to: &bytes)
                append(each, to: &bytes)
            }
        }
    }

    /// Type and size; types above 7 are in a byte of their own, and so are sizes from 29 on.
    private static func control(_ type: Int, _ size: Int, _ bytes: inout [UInt8]) {
        let short = min(size, size < 285 ? 29 : 30)
        bytes.append(UInt8((type > 7 ? 0 : type) << 5 | short))
        if type > 7 { bytes.append(UInt8(type - 7)) }
        if short == 29 { bytes.append(UInt8(size - 29)) }
        if short == 30 { bytes += [UInt8((size - 285) >> 8), UInt8((size - 285) & 0xff)] }
    }

    private static func fixed<Number: FixedWidthInteger>(_ type: Int, _ number: Number, _ bytes: inout [UInt8]) {
        let count = Number.bitWidth / 8
        control(type, count, &bytes)
        for index in (0..<count).reversed() { bytes.append(UInt8(truncatingIfNeeded: number >> Number(index * 8))) }
    }

    private static func shortened(_ type: Int, _ number: UInt64, _ bytes: inout [UInt8]) {
        let count = (64 - number.leadingZeroBitCount + 7) / 8
        control(type, count, &bytes)
        for index in (0..<count).reversed() { bytes.append(UInt8(truncatingIfNeeded: number >> UInt64(index * 8))) }
    }
}
