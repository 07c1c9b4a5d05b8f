import JSON

/// What stands on the way of a path in a document, in the place of an object.
struct PathBarrier: Equatable {
    /// The keys that lead to it, and those that would have led on.
    let keys: [String]
    private(set) var rest: [String]
    /// What it is.
    let found: DocumentFailure.Found
    /// The carets in front of a path that begins outside of arrays.
    private var outward = ""
    /// The elements that the path would have gone through behind it, of which `rest` has the keys.
    private var choices: [ElementChoice] = []
    /// Of an array of objects that looks like one of keys and values: its first element's key for the key.
    private(set) var keyOfKeys: String?

    /// What producers call the key in arrays of keys and values.
    private static let keysOfKeys = ["key", "Key", "name", "Name"]

    /// Looks for one; nil when there is none, or null.
    /// - Parameters:
    ///   - document: known to be valid JSON.
    ///   - arrays: the paths of arrays that hold one another, in whose first elements `path` begins; none for the document.
    init?(in document: UnsafeRawBufferPointer, on path: [String], inElementsOf arrays: [[String]] = []) {
        guard path.count > 1,
            let (count, byte) = unsafe ObjectKeys.barrier(document, at: path.dropLast(), inElementsOf: arrays),
            let found = DocumentFailure.Found(beginningWith: byte)
        else { return nil }
        keys = Array(path[..<count])
        rest = Array(path[count...])
        self.found = found
        guard found == .array, arrays.isEmpty else { return }
        let members = unsafe ObjectKeys.list(document, at: [], inElementsOf: [keys])
        guard members.contains("value") || members.contains("Value") else { return }
        keyOfKeys = Self.keysOfKeys.first { members.contains($0) }
    }

    /// Looks for one on the way to a field, or to the first array of which its path chooses an element.
    init?(
        in document: UnsafeRawBufferPointer, to field: FieldDeclaration, inElementsOf arrays: [[String]] = []
    ) {
        unsafe self.init(in: document, on: field.leadingKeys, inElementsOf: arrays)
        rest = Array(field.path[keys.count...])
        (outward, choices) = (field.outwardName, field.choices)
    }

    /// What is the matter: `items is an array`.
    var clause: String { "\(outward + FieldDeclaration.written(keys)) is \(found.noun)" }

    /// The way out.
    /// - Parameter elements: the array whose elements are the records already, if they are.
    func advice(_ elements: ElementArray?) -> String {
        if found == .text {
            return textAdvice
        }
        guard found == .array else { return "expected an object" }
        if let keyOfKeys {
            let choice = ElementChoice(depth: keys.count, key: keyOfKeys, text: rest.joined(separator: "."))
            let way = outward + FieldDeclaration.written(keys) + choice.name
            return
                "whose elements have a \(keyOfKeys): \(way) is the one with that, and its members stand behind a dot; with "
                + "each: every element is a record"
        }
        guard let elements else {
            return "with each: \(FieldDeclaration.written(keys)) every element is a record, and the path is \(way)"
        }
        guard outward.isEmpty, elements.paths.count < ElementArray.countMax else {
            return "and paths go through no arrays but those of each: \(elements.name)"
        }
        let inner = ElementArray(paths: elements.paths + [keys]).name
        return "with each: \(inner) every element of it is a record, and the path is \(way)"
    }

    /// What is left of the path.
    private var way: String {
        // They count from the path's beginning.
        let left = choices.map { ElementChoice(depth: $0.depth - keys.count, key: $0.key, text: $0.text) }
        return FieldDeclaration.written(rest, left)
    }

    /// JSON that stands in a text is read as a text, and taken apart behind.
    private var textAdvice: String {
        let name = keys[keys.count - 1]
        let path = rest.map { "'\($0.replacing("'", with: "''"))'" }.joined(separator: ", ")
        return "expected an object: where that is JSON in a text, declare it as text, with max_bytes, and derive "
            + "json_extract_path_text(\(FieldDeclaration.written([name])), \(path))"
    }
}

extension DocumentFailure.Found {
    /// What a value is that begins with a byte; nil for null and for what is none.
    init?(beginningWith byte: UInt8) {
        switch byte {
        case UInt8(ascii: "["): self = .array
        case UInt8(ascii: "{"): self = .object
        case UInt8(ascii: "\""): self = .text
        case UInt8(ascii: "t"), UInt8(ascii: "f"): self = .boolean
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): self = .number
        default: return nil
        }
    }
}
