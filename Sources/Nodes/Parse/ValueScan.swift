import Foundation
import Platform

/// A place in a document that is known to be valid JSON: what looks at a few documents goes on from it.
@safe struct ValueScan {
    let bytes: UnsafeRawBufferPointer
    var at = 0

    /// At the value of a document.
    init(_ bytes: UnsafeRawBufferPointer) {
        unsafe self.bytes = unsafe bytes
        // What begins a file may stand behind one.
        if unsafe ByteOrderMark.begins(bytes) { at = ByteOrderMark.length }
        skipSpace()
    }

    var isAtEnd: Bool { unsafe at >= bytes.count }

    /// The byte at this place; 0 at the end.
    var byte: UInt8 { unsafe at < bytes.count ? bytes[at] : 0 }

    mutating func skipSpace() {
        while [0x20, 0x09, 0x0a, 0x0d].contains(byte) { at += 1 }
    }

    /// Behind the key at this place, as it is written, and the colon; nil when there is no key.
    mutating func key() -> Slice<UnsafeRawBufferPointer>? {
        guard byte == UInt8(ascii: "\"") else { return nil }
        let start = at + 1
        skipString()
        guard unsafe start <= bytes.count else { return nil }
        let key = unsafe bytes[start..<min(max(start, at - 1), bytes.count)]
        skipSpace()
        at += 1
        return unsafe key
    }

    /// Whether a key, as it is written, stands for a name.
    static func isKey(_ key: Slice<UnsafeRawBufferPointer>, _ name: String) -> Bool {
        guard unsafe key.contains(UInt8(ascii: "\\")) else { return unsafe key.elementsEqual(name.utf8) }
        let text = unsafe Data([UInt8(ascii: "\"")] + key + [UInt8(ascii: "\"")])
        return (try? JSONDecoder().decode(String.self, from: text)) == name
    }

    mutating func skipString() {
        at += 1
        while !isAtEnd, byte != UInt8(ascii: "\"") { at += byte == UInt8(ascii: "\\") ? 2 : 1 }
        at += 1
    }

    /// Behind the value at this place: where a comma stands, or the end of what holds it.
    mutating func skipValue() {
        var depth = 0
        while !isAtEnd {
            switch byte {
            case UInt8(ascii: "\""):
                skipString()
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if depth == 0 { return }
                depth -= 1
            case UInt8(ascii: ","):
                if depth == 0 { return }
            default: break
            }
            at += 1
        }
    }
}
