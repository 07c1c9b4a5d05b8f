/// Makes gzip data of stored blocks, so that every byte of it is known.
package enum Gzip {
    private static let table: [UInt32] = (0..<256 as Range<UInt32>).map { byte in
        (0..<8).reduce(byte) { value, _ in value & 1 == 1 ? 0xedb8_8320 ^ value >> 1 : value >> 1 }
    }

    /// One member that holds these bytes.
    package static func member(_ bytes: [UInt8]) -> [UInt8] {
        precondition(bytes.count < 65_536, "one stored block holds no more")
        let count = UInt16(bytes.count)
        let block = [0x01] + little(UInt32(count), 2) + little(UInt32(~count), 2) + bytes
        return [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255] + block + little(checksum(bytes), 4) + little(UInt32(count), 4)
    }

    /// One member that holds a text.
    package static func member(_ text: String) -> [UInt8] { member(Array(text.utf8)) }

    private static func little(_ value: UInt32, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * UInt32($0))) }
    }

    private static func checksum(_ bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(UInt32.max) { $0 >> 8 ^ table[Int(($0 ^ UInt32($1)) & 0xff)] }
    }
}
