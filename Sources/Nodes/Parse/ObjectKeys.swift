/// The keys of an object in a document that is known to be valid JSON: for messages, so it looks at a few documents only.
@safe struct ObjectKeys {
    /// Bytes shown of a key.
    static let keyBytesMax = 64

    private var scan: ValueScan
    private var keys: [String] = []
    /// Whether keys are to be listed; else it is enough to know that there is an object.
    private var listsKeys = true
    /// Where something else than an object is: how many keys of the path were still to come, and its first byte.
    private var barrier: (left: Int, byte: UInt8)?
    /// How many keys are still to come where the arrays stand in whose first elements to look.
    private let keysBehindArrays: Set<Int>

    /// The keys of the object that `path` leads to, in their order; none when there is no object. They are
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
        scan = unsafe ValueScan(bytes)
        keysBehindArrays = Set(arrays.indices.map { path.count + arrays[($0 + 1)...].joined().count })
    }

    /// The object at this place, whose keys or one of whose members are asked for.
    private mutating func object(_ path: ArraySlice<String>) {
        scan.skipSpace()
        if keysBehindArrays.contains(path.count), scan.byte == UInt8(ascii: "[") {
            scan.at += 1
            scan.skipSpace()
        }
        guard scan.byte == UInt8(ascii: "{") else {
            barrier = (path.count, scan.byte)
            return
        }
        if path.isEmpty, !listsKeys { return }
        scan.at += 1
        while !scan.isAtEnd {
            scan.skipSpace()
            guard let key = unsafe scan.key() else { return }
            if let name = path.first {
                // A later member of the same name counts instead.
                if unsafe ValueScan.isKey(key, name) {
                    keys.removeAll()
                    barrier = nil
                    let here = scan.at
                    object(path.dropFirst())
                    scan.at = here
                }
            } else {
                keys.append(unsafe String(decoding: key.prefix(Self.keyBytesMax), as: UTF8.self))
            }
            scan.skipValue()
            scan.skipSpace()
            guard scan.byte == UInt8(ascii: ",") else { return }
            scan.at += 1
        }
    }
}
