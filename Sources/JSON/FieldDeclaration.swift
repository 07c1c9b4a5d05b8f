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

    /// The keys from the document's root to the value, unescaped; compared as UTF-8 bytes, never normalised. From the element
    /// in a parser of elements, unless `isOutside`; none for the element itself.
    public var path: [String]
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
    /// In a parser of elements: whether the path begins at the document's root, outside of the element.
    public var isOutside: Bool

    /// Declares the field at `path`, by default optional, strict about its type, and with 256 bytes of text.
    public init(
        path: [String],
        type: FieldType,
        isRequired: Bool = false,
        onTypeError: TypeErrorAction = .reject,
        textLengthMax: Int = JSONLimits.textLengthDefault,
        truncates: Bool = false,
        acceptsText: Bool = false,
        isOutside: Bool = false
    ) {
        self.path = path
        self.type = type
        self.isRequired = isRequired
        self.onTypeError = onTypeError
        self.textLengthMax = textLengthMax
        self.truncates = truncates
        self.acceptsText = acceptsText
        self.isOutside = isOutside
    }

    /// The path as people write it: `payload.weapon`, `^.device.id` for one that begins outside of an element, or `.` for the
    /// element itself.
    public var name: String { path.isEmpty ? "." : (isOutside ? "^." : "") + Self.written(path) }

    /// The same in messages.
    public var label: String { path.isEmpty ? "the element" : name }

    /// Keys as a path is declared: joined by dots, in backquotes where one would be taken for something else.
    public static func written(_ keys: [String]) -> String {
        keys.map { key in
            let isNumber = key.utf8.allSatisfy { (48...57).contains($0) }
            let isPlain = !isNumber && !key.contains { ".`/[]$*".contains($0) }
            return isPlain ? key : "`" + key.replacing("`", with: "``") + "`"
        }.joined(separator: ".")
    }
}
