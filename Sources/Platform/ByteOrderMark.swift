/// U+FEFF in UTF-8, which some programs write in front of a text. Where a file begins it is no part of the first line's
/// document; its bytes count for positions, as all bytes do.
package enum ByteOrderMark {
    /// Bytes that it takes.
    package static let length = 3

    private static let bytes: [UInt8] = [0xef, 0xbb, 0xbf]

    /// Whether a text begins with it.
    package static func begins(_ text: some Sequence<UInt8>) -> Bool { text.starts(with: bytes) }
}
