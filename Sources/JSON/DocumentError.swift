/// Why a document is bad. The raw value is what `DocumentParser.parse` writes into the status of the document.
public enum DocumentError: UInt8, Sendable, Hashable, CaseIterable {
    /// Nothing, or nothing but white space.
    case empty = 1
    /// Above `JSONLimits.documentLengthMax`.
    case tooLarge = 2
    /// Bytes that are no UTF-8.
    case invalidUTF8 = 3
    /// A byte order mark before the value, which JSON forbids.
    case byteOrderMark = 4
    /// A string without its closing quote.
    case unclosedString = 5
    /// A control character in a string that should have been escaped.
    case controlCharacter = 6
    /// A backslash followed by none of JSON's escapes.
    case invalidEscape = 7
    /// Half of a surrogate pair.
    case unpairedSurrogate = 8
    /// The document ends before its value does.
    case truncated = 9
    /// A character where the grammar has no place for it.
    case invalidStructure = 10
    /// Something that begins like a number.
    case invalidNumber = 11
    /// Something that begins like `true`, `false` or `null`.
    case invalidLiteral = 12
    /// More behind the value.
    case trailingContent = 13
    /// Above `JSONLimits.depthMax`.
    case tooDeep = 14
    /// A declared field of another type, a number with a fraction in an integer field included.
    case wrongType = 15
    /// A declared field whose number or instant its type cannot hold.
    case outOfRange = 16
    /// A declared text above its `textLengthMax`.
    case textTooLong = 17
    /// A declared text with U+0000 in it, which Postgres cannot store.
    case nulInText = 18
    /// A declared instant that is none.
    case invalidTimestamp = 19
    /// A required field that is missing or null.
    case missingRequired = 20
    /// Valid JSON that is no object, where only objects are taken.
    case notAnObject = 21
    /// The array whose elements are the records is missing, null, or of another type.
    case noElements = 22

    /// A short name for metrics and dead letters: `wrong_type`.
    public var code: String {
        switch self {
        case .empty: "empty"
        case .tooLarge: "too_large"
        case .invalidUTF8: "invalid_utf8"
        case .byteOrderMark: "byte_order_mark"
        case .unclosedString: "unclosed_string"
        case .controlCharacter: "control_character"
        case .invalidEscape: "invalid_escape"
        case .unpairedSurrogate: "unpaired_surrogate"
        case .truncated: "truncated"
        case .invalidStructure: "invalid_structure"
        case .invalidNumber: "invalid_number"
        case .invalidLiteral: "invalid_literal"
        case .trailingContent: "trailing_content"
        case .tooDeep: "too_deep"
        case .wrongType: "wrong_type"
        case .outOfRange: "out_of_range"
        case .textTooLong: "text_too_long"
        case .nulInText: "nul_in_text"
        case .invalidTimestamp: "invalid_timestamp"
        case .missingRequired: "missing_required"
        case .notAnObject: "not_an_object"
        case .noElements: "no_elements"
        }
    }
}
