import Platform

/// The end of a file that has no newline: a whole record, or one that is still being written?
enum LastLine {
    /// What stands behind a file's last newline.
    enum Kind { case blank, whole, unfinished }

    /// What these bytes are. An object or an array says by itself where it ends, so it counts as soon as it is there, and a
    /// newline that follows later is only a blank line. Anything else may go on.
    /// - Parameter beginsFile: whether a byte order mark may stand in front.
    static func kind(of bytes: UnsafeRawBufferPointer, beginsFile: Bool) -> Kind {
        let start = unsafe beginsFile && ByteOrderMark.begins(bytes) ? ByteOrderMark.length : 0
        guard let first = unsafe bytes[start...].firstIndex(where: { !isSpace($0) }) else { return .blank }
        guard [UInt8(ascii: "{"), UInt8(ascii: "[")].contains(unsafe bytes[first]) else { return .unfinished }
        var depth = 0
        var isInText = false
        var isEscaped = false
        for index in first..<bytes.count {
            let byte = unsafe bytes[index]
            if isEscaped {
                isEscaped = false
            } else if isInText {
                if byte == UInt8(ascii: "\\") { isEscaped = true }
                if byte == UInt8(ascii: "\"") { isInText = false }
            } else {
                switch byte {
                case UInt8(ascii: "\""): isInText = true
                case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
                case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
                default: break
                }
                if depth == 0 {
                    let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[(index + 1)...])
                    return unsafe rest.allSatisfy(isSpace) ? .whole : .unfinished
                }
            }
        }
        return .unfinished
    }

    /// Whether a file that begins like this has anything to read: a whole line, or a last one that is whole.
    /// - Parameter isWhole: nothing can follow.
    static func hasRecord(_ head: FileHead, isWhole: Bool) -> Bool {
        if head.bytes.count == FileHead.bytesMax || head.bytes.contains(UInt8(ascii: "\n")) { return true }
        let kind = unsafe head.bytes.withUnsafeBytes { unsafe Self.kind(of: $0, beginsFile: true) }
        return kind == .whole || (isWhole && kind != .blank)
    }

    /// Whether the beginning of a file has anything but white space behind its byte order mark, if it has one.
    static func hasContent(_ bytes: ArraySlice<UInt8>) -> Bool {
        !bytes.dropFirst(ByteOrderMark.begins(bytes) ? ByteOrderMark.length : 0).allSatisfy(isSpace)
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d }
}
