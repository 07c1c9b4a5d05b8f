package import Dataflow
package import Declaration
package import JSON

/// What a `parse_json` node does, checked.
package struct ParsePlan: Sendable {
    /// The declared fields; field `i` fills the batch's column `i`.
    package var fields: [RecordField]
    /// The name of the field that is the event time, nil when there is none.
    package var eventTime: String?
    /// Bounds on records.
    package var limits: JSONLimits
    /// The array whose elements are the records; nil when the documents are.
    package var elements: ElementArray?

    /// Creates a plan.
    package init(
        fields: [RecordField], eventTime: String? = nil, limits: JSONLimits = JSONLimits(),
        elements: ElementArray? = nil
    ) {
        self.fields = fields
        self.eventTime = eventTime
        self.limits = limits
        self.elements = elements
    }

    /// The fields that are values of messages, by name.
    package var attributes: [String: MessageAttribute] {
        let found = fields.compactMap { field in
            if case .message(let attribute) = field.origin { (field.name, attribute) } else { nil }
        }
        return Dictionary(found) { first, _ in first }
    }

    /// A plan for fields that stand in the documents, all of them.
    package init(fields: [FieldDeclaration], names: [String], limits: JSONLimits) {
        self.init(fields: zip(names, fields).map { RecordField(name: $0, $1) }, limits: limits)
    }
}

/// A field of the records that a `parse_json` node makes.
package struct RecordField: Sendable {
    /// Where its value comes from.
    package enum Origin: Sendable, Hashable {
        /// From the document, by the declaration's path.
        case document
        /// From the message that the document came in; the declaration's path is empty.
        case message(MessageAttribute)
    }

    /// The field's name.
    package var name: String
    /// Where it is, its type, and what becomes of a value that does not fit.
    package var declaration: FieldDeclaration
    /// Where its value comes from.
    package var origin: Origin
    /// How its text is read, for a timestamp whose text is not RFC 3339.
    package var reading: TimestampReading?

    /// Creates a field.
    package init(
        name: String, _ declaration: FieldDeclaration, origin: Origin = .document, reading: TimestampReading? = nil
    ) {
        self.name = name
        self.declaration = declaration
        self.origin = origin
        self.reading = reading
    }

    /// The type of its column.
    package var columnType: ColumnType { ColumnType(declaration.type) }

    /// What the JSON parser is told of it. A timestamp with a format of its own is a text first, and is read afterwards.
    var parsed: FieldDeclaration {
        guard reading != nil else { return declaration }
        var text = declaration
        text.type = .text
        text.textLengthMax = TimestampReading.textBytesMax
        return text
    }

    /// Whether it is the element of an array, and no member of one.
    var isElement: Bool { origin == .document && declaration.path.isEmpty }

    /// How messages call it: by its path, or by what of the message it is.
    var place: String {
        if case .message(let attribute) = origin { attribute.description } else { declaration.label }
    }
}

extension ColumnType {
    /// The type of the column that a field fills.
    init(_ type: FieldType) {
        self =
            switch type {
            case .text: .text
            case .integer: .integer
            case .double: .double
            case .boolean: .boolean
            case .timestamp: .timestamp
            case .decimal(let scale): .decimal(scale: scale)
            }
    }
}
