/// A bad document or element of a batch, with everything that may be told about it: never its contents.
public struct DocumentFailure: Sendable, Hashable, CustomStringConvertible {
    /// What stood where a field of another type was declared, where an object was expected, or behind the document's value.
    public enum Found: UInt8, Sendable, Hashable {
        /// No place was reached.
        case nothing = 0
        /// `null`.
        case null = 1
        /// `true` or `false`.
        case boolean = 2
        /// Any number.
        case number = 3
        /// A string.
        case text = 4
        /// An array.
        case array = 5
        /// An object.
        case object = 6
    }

    /// Index of its row in the batch: of the document, unless elements are the rows.
    public var row: Int
    /// Why it is bad.
    public var error: DocumentError
    /// Bytes from the first one of the document, or of the element, to the place of the error; its length where none is
    /// known.
    public var position: Int
    /// The declared field in error, for the errors that concern one.
    public var field: FieldDeclaration?
    /// The kind of value found there.
    public var found: Found
    /// The arrays in whose elements this lies, or should; nil for a parser of documents.
    public var elements: ElementArray?
    /// What is bad: the document (0) or an element of the n-th array (n).
    public var depth: Int
    /// Where the bad element lies; nil when all of the document is bad.
    public var element: DocumentRange?

    /// One sentence for a person, such as `duration_ms at byte 41: wrong type, found text, expected an integer`.
    public var description: String {
        guard let field else { return documentDescription }
        let place = field.path.isEmpty ? field.label : "\(field.name) at byte \(position)"
        switch error {
        case .missingRequired: return "\(field.label): \(field.path.isEmpty ? "" : "missing or ")null, but required"
        case .wrongType where found == .text && field.acceptsText:
            return "\(place): found text that does not spell \(field.type.expectation)"
        case .wrongType where found == .number && field.type.takesNumbers:
            return "\(place): wrong type, found a number with a fraction, expected \(field.type.expectation)"
        case .wrongType: return "\(place): wrong type, found \(found.noun), expected \(field.type.expectation)"
        case .outOfRange: return "\(place): out of range, expected \(field.type.expectation)"
        case .textTooLong: return "\(place): text too long, expected at most \(field.textLengthMax) bytes"
        case .nulInText: return "\(place): the text holds U+0000, which Postgres cannot store"
        case .invalidTimestamp: return "\(place): found text that is no instant, expected \(field.type.expectation)"
        default: return "\(place): \(documentDescription)"
        }
    }

    /// The array that should stand in it, as it is called there; nil for an innermost element.
    public var array: String? {
        elements.flatMap { depth < $0.paths.count ? $0.names[depth] : nil }
    }

    private var documentDescription: String {
        switch error {
        case .empty: "empty, expected a JSON value"
        case .tooLarge: "\(position) bytes or more, more than the limit for one document"
        case .invalidUTF8: "not valid UTF-8"
        case .byteOrderMark: "begins with a byte order mark, which JSON does not allow"
        case .unclosedString: "a string is not closed"
        case .controlCharacter: "a string holds a control character that is not escaped, or is not closed in its line"
        case .invalidEscape: "the string at byte \(position) holds an invalid escape"
        case .unpairedSurrogate: "the string at byte \(position) holds half of a surrogate pair"
        case .truncated: "ends after \(position) bytes, before its value is complete"
        case .invalidStructure: "not valid JSON at byte \(position): unexpected character"
        case .invalidNumber: "not valid JSON at byte \(position): invalid number"
        case .invalidLiteral: "not valid JSON at byte \(position): expected true, false or null"
        case .trailingContent where found == .object:
            "complete before byte \(position), but more follows: a second document begins"
        case .trailingContent: "complete before byte \(position), but more follows"
        case .notAnObject where array != nil && depth > 0: "found \(found.noun), expected an object with \(array ?? "")"
        case .notAnObject where element != nil && found != .array:
            "found \(found.noun), expected an object: fields are members of the elements, and a plain value has none; a field "
                + "that is the element itself has path: \".\""
        case .notAnObject where found == .text:
            "found text, expected an object; a document in a text was encoded twice: its producer has to send it as it is"
        case .notAnObject: "found \(found.noun), expected an object"
        case .noElements where array == "":
            "found \(found.noun), expected an array, whose elements are the records"
        case .noElements where found == .nothing || found == .null:
            "\(array ?? ""): missing or null, expected the array whose elements are the records"
        case .noElements:
            "\(array ?? ""): found \(found.noun), expected the array whose elements are the records"
        case .tooDeep: "nested deeper than the limit at byte \(position)"
        default: error.code
        }
    }
}

extension DocumentFailure.Found {
    /// The kind with its article, where it takes one.
    public var noun: String {
        switch self {
        case .nothing: "nothing"
        case .null: "null"
        case .boolean: "a boolean"
        case .number: "a number"
        case .text: "text"
        case .array: "an array"
        case .object: "an object"
        }
    }
}

extension FieldType {
    /// What a value of this type looks like, for messages.
    public var expectation: String {
        switch self {
        case .text: "text"
        case .integer: "an integer of 64 bits"
        case .decimal(let scale): "a number that fits 64 bits with \(scale) decimal digits"
        case .double: "a number that fits a double"
        case .boolean: "true or false"
        case .timestamp(.rfc3339): "an RFC 3339 timestamp in the years 0001 to 9999"
        case .timestamp(.epochSeconds): "seconds since 1970 in the years 0001 to 9999"
        case .timestamp(.epochMilliseconds): "milliseconds since 1970 in the years 0001 to 9999"
        case .timestamp(.epochMicroseconds): "microseconds since 1970 in the years 0001 to 9999"
        case .timestamp(.epochNanoseconds): "nanoseconds since 1970 in the years 0001 to 9999"
        }
    }

    /// Whether a JSON number can be a value of this type.
    var takesNumbers: Bool {
        switch self {
        case .text, .boolean, .timestamp(.rfc3339): false
        case .integer, .decimal, .double, .timestamp: true
        }
    }
}
