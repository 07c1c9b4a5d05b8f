import Platform

/// The keys of an object in a document that is known to be valid JSON: for messages, so it looks at a few documents only.
@safe struct ObjectKeys {
    /// Bytes shown of a key.
    static let keyBytesMax = 64

    private let bytes: UnsafeRawBufferPointer
    private var at = 0
    private var keys: [String] = []
    /// Whether keys are to be listed; else it is enough to know that there is an object.
    private var listsKeys = true
    /// Where something else than an object is: how many keys of the path were still to come, and its first byte.
    private var barrier: (left: Int, byte: UInt8)?
    /// How many keys are still to come where the arrays stand in whose first elements to look.
    private let keysBehindArrays: Set<Int>

    /// The keys of the object that `path` leads to, in their order; none when there is no object. Keys are compared and
    /// shown as they are written, escapes included.
    /// - Parameter arrays: the paths of arrays that hold one another, in whose first elements `path` begins; none for the
    ///   document.
    static func list(
        _ document: UnsafeRawBufferPointer, at path: ArraySlice<String>, inElementsOf arrays: [[String]] = []
    ) -> [String] {
        var scan = unsafe ObjectKeys(bytes: document, path, arrays)
        scan.object(ArraySlice(arrays.joined() + path))
        return scan.keys
    }

    /// Where a path that leads to an object comes to something else: behind how many of its keys, and the first byte of that.
    /// Nil when it comes to nothing, or to an object. The document, or the element, is an object.
    static func barrier(
        _ document: UnsafeRawBufferPointer, at path: ArraySlice<String>, inElementsOf arrays: [[String]] = []
    ) -> (keys: Int, byte: UInt8)? {
        var scan = unsafe ObjectKeys(bytes: document, path, arrays)
        scan.listsKeys = false
        scan.object(ArraySlice(arrays.joined() + path))
        guard let (left, byte) = scan.barrier, left < path.count else { return nil }
        return (path.count - left, byte)
    }

    private init(bytes: UnsafeRawBufferPointer, _ path: ArraySlice<String>, _ arrays: [[String]]) {
        unsafe self.bytes = unsafe bytes
        keysBehindArrays = Set(arrays.indices.map { path.count + arrays[($0 + 1)...].joined().count })
        // What begins a file may stand behind one.
        if unsafe ByteOrderMark.begins(bytes) { at = ByteOrderMark.length }
    }

    private var byte: UInt8 { unsafe at < bytes.count ? bytes[at] : 0 }

    private mutating func skipSpace() {
        while [0x20, 0x09, 0x0a, 0x0d].contains(byte) { at += 1 }
    }

    /// The object at this place, whose keys or one of whose members are asked for.
    private mutating func object(_ path: ArraySlice<String>) {
        skipSpace()
        if keysBehindArrays.contains(path.count), byte == UInt8(ascii: "[") {
            at += 1
            skipSpace()
        }
        guard byte == UInt8(ascii: "{") else {
            barrier = (path.count, byte)
            return
        }
        if path.isEmpty, !listsKeys { return }
        at += 1
        while unsafe at < bytes.count {
            skipSpace()
            guard byte == UInt8(ascii: "\"") else { return }
            let start = at + 1
            skipString()
            guard unsafe start <= bytes.count else { return }
            let key = unsafe bytes[start..<min(max(start, at - 1), bytes.count)]
            skipSpace()
            at += 1
            if let name = path.first {
                // A later member of the same name counts instead.
                if unsafe key.elementsEqual(name.utf8) {
                    keys.removeAll()
                    barrier = nil
                    let here = at
                    object(path.dropFirst())
                    at = here
                }
            } else {
                keys.append(unsafe String(decoding: key.prefix(Self.keyBytesMax), as: UTF8.self))
            }
            skipValue()
            skipSpace()
            guard byte == UInt8(ascii: ",") else { return }
            at += 1
        }
    }

    private mutating func skipString() {
        at += 1
        while unsafe at < bytes.count, byte != UInt8(ascii: "\"") { at += byte == UInt8(ascii: "\\") ? 2 : 1 }
        at += 1
    }

    private mutating func skipValue() {
        var depth = 0
        while unsafe at < bytes.count {
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
