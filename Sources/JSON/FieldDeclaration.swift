/// One field to be read from every document: where it is, what it must be, and what happens when it is not.
///
/// A field that is missing or `null` has no value, and neither has one below something that is no object. Under
/// duplicate keys the last one counts, at every level: `{"a":{"b":1},"a":{}}` has no `a.b`.
///
/// With `acceptsText` a text is taken for the number or the boolean that it spells, as Postgres reads it (`" +007"` is 7,
/// `"Yes"` is true), digit by digit; and a number or a boolean for a text, as it is written.
public struct FieldDeclaration: Sendable, Hashable {
    /// What happens to a document whose value does not fit the field: another type, out of range, a text that is too
    /// long or holds U+0000, or no instant.
    public enum TypeErrorAction: Sendable, Hashable {
        /// The document is bad.
        case reject
        /// The field has no value and the document stays, unless the field is required.
        case null
    }

    /// The keys from the document's root to the value, unescaped; compared as UTF-8 bytes, never normalised. In a parser of
    /// elements from the element, or from what `outward` says; none for the element itself.
    public var path: [String]
    /// The elements of arrays that the path goes through, by ascending depth. In one array all fields choose by one key, and
    /// a path does not end with an element.
    public var choices: [ElementChoice]
    /// The type of the value, which is also the type of its column.
    public var type: FieldType
    /// Whether a document without a value for this field is bad.
    public var isRequired: Bool
    /// What happens to a document whose value does not fit the field.
    public var onTypeError: TypeErrorAction
    /// The longest text taken, in bytes of its unescaped UTF-8; 0 or more. Ignored for the other types.
    public var textLengthMax: Int
    /// Whether a longer text is cut behind the last whole code point that fits, and not an error.
    public var truncates: Bool
    /// Whether text may stand for numbers and booleans, and they for text.
    public var acceptsText: Bool
    /// In a parser of elements: outside of how many arrays the path begins. 0 is the element, and as many as there are arrays
    /// the document's root.
    public var outward: Int

    /// Declares the field at `path`, by default optional, strict about its type, and with 256 bytes of text.
    public init(
        path: [String],
        type: FieldType,
        isRequired: Bool = false,
        onTypeError: TypeErrorAction = .reject,
        textLengthMax: Int = JSONLimits.textLengthDefault,
        truncates: Bool = false,
        acceptsText: Bool = false,
        outward: Int = 0,
        choices: [ElementChoice] = []
    ) {
        self.path = path
        self.choices = choices
        self.type = type
        self.isRequired = isRequired
        self.onTypeError = onTypeError
        self.textLengthMax = textLengthMax
        self.truncates = truncates
        self.acceptsText = acceptsText
        self.outward = outward
    }

    /// The keys that lead to the value, or to the first array of which the path chooses an element.
    public var leadingKeys: [String] { choices.first.map { Array(path[..<$0.depth]) } ?? path }

    /// The path as people write it: `payload.weapon`, `^.device.id` for one that begins outside of an array, or `.` for the
    /// element itself.
    public var name: String { path.isEmpty ? "." : outwardName + Self.written(path, choices) }

    /// What stands in front of a path that begins outside of arrays: `^.`, with as many carets.
    public var outwardName: String { outward == 0 ? "" : String(repeating: "^", count: outward) + "." }

    /// The same in messages.
    public var label: String { path.isEmpty ? "the element" : name }

    /// A path with its choices.
    public static func written(_ keys: [String], _ choices: [ElementChoice]) -> String {
        guard let first = choices.first else { return written(keys) }
        var (text, place) = (written(Array(keys[..<first.depth])), first.depth)
        for (number, choice) in choices.enumerated() {
            let end = number + 1 < choices.count ? choices[number + 1].depth : keys.count
            text += choice.name + (place < end ? "." + written(Array(keys[place..<end])) : "")
            place = end
        }
        return text
    }

    /// Keys as a path is declared: joined by dots, in backquotes where one would be taken for something else.
    public static func written(_ keys: [String]) -> String {
        keys.map { key in
            let isNumber = key.utf8.allSatisfy { (48...57).contains($0) }
            let isPlain = !isNumber && !key.contains { ".`/[]$*".contains($0) }
            return isPlain ? key : "`" + key.replacing("`", with: "``") + "`"
        }.joined(separator: ".")
    }
}
