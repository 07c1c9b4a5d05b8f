import Dataflow
package import Declaration
import JSON

extension ParsePlan: QueryableStage {
    /// Three SELECTs: where the values are, what they are, and which of them are of their types.
    package func query(_ input: QueryRelation, as node: String, in query: inout QueryText) -> QueryRelation {
        let sql = fields.map { FieldSQL($0, fields) }
        for gap in sql.compactMap(\.gap) { query.gap("node \(node), \(gap)") }
        var output = QueryRelation(
            name: "", fields: fields.map { QueryRelation.Field($0.name, $0.columnType) }, hasEventTime: eventTime != nil
        )
        let values = query.define("\(node).values", as: select(sql, from: input.name))
        let kinds = sql.filter(\.needsKind).map(\.kind)
        let scalars = query.define(
            "\(node).scalars",
            as: "SELECT\n    " + QueryText.list(QueryRelation.placeColumns + sql.map(\.scalar) + kinds)
                + "\nFROM \(values)")
        var columns = QueryRelation.placeColumns
        if let field = sql.first(where: { $0.field.name == eventTime }) {
            columns.append("\(field.value) AS \(QueryRelation.eventTimeColumn)")
        }
        columns += sql.map { "\($0.value) AS \($0.name)" }
        let conditions = sql.flatMap(\.conditions)
        let body = "SELECT\n    " + QueryText.list(columns) + "\nFROM \(scalars)"
        output.name = query.define(
            node, as: body + (conditions.isEmpty ? "" : "\nWHERE " + conditions.joined(separator: "\n    AND ")))
        return output
    }

    /// The values of each document, or of each element of its arrays.
    private func select(_ sql: [FieldSQL], from messages: String) -> String {
        var from = """
            FROM (
                SELECT topic, partition, "offset", "timestamp", key, headers, \(FieldSQL.readable("value")) AS value
                FROM \(messages)
            ) AS messages
            """
        // From the outside in: the record is the last one.
        var records = ["messages.value"]
        var number = "0"
        let arrays = elements?.paths ?? []
        for (index, path) in arrays.enumerated() {
            let relation = index + 1 == arrays.count ? "elements" : "elements\(index + 1)"
            let holder = records[index]
            let array = FieldSQL.path(path, in: holder)
            let isInObject = path.isEmpty ? "" : "json_typeof(\(holder)) = 'object' AND "
            from += """

                CROSS JOIN LATERAL json_array_elements(CASE WHEN \(isInObject)json_typeof(\(array)) = 'array' THEN \(array) END)
                    WITH ORDINALITY AS \(relation)(value, number)
                """
            records.append(relation + ".value")
            // A document has fewer elements than that.
            number = index == 0 ? relation + ".number" : "(\(number)) * 100000000::numeric + \(relation).number"
        }
        let place = [
            "messages.topic AS \"message.topic\"", "messages.partition AS \"message.partition\"",
            "messages.\"offset\" AS \"message.offset\"", "\(number) AS \"message.element\"",
        ]
        let list = QueryText.list(place + sql.map { "\($0.place(in: records)) AS \($0.name)" })
        // Where the element itself is a field, it may be anything.
        let condition =
            fields.contains(where: \.isElement) ? "" : "\nWHERE json_typeof(\(records[arrays.count])) = 'object'"
        return "SELECT\n    \(list)\n\(from)\(condition)"
    }
}

/// A field of parsed documents in SQL, over the columns of three SELECTs on top of each other.
struct FieldSQL {
    let field: RecordField
    /// How a timestamp is read that is not RFC 3339.
    private let reading: TimestampSQL?

    init(_ field: RecordField, _ fields: [RecordField]) {
        self.field = field
        reading = field.reading.map { TimestampSQL($0) }
    }

    /// What cannot be said of it.
    var gap: String? {
        guard let reading, reading.value(of: "") == nil else { return nil }
        return "field \(field.name): there is no SQL for its format or zone; it is null"
    }

    /// Its column.
    var name: String { SQLWord.name(field.name) }
    private var kindName: String { SQLWord.name(field.name + ".kind") }
    private var declaration: FieldDeclaration { field.declaration }
    private var isText: Bool { declaration.type == .text }

    /// Whether it comes with its type already.
    private var isTyped: Bool { field.origin == .message(.timestamp) || field.origin == .message(.offset) }

    // MARK: - Where it is

    /// The value in the message, as JSON unless it has a type already.
    /// - Parameter records: what holds the record, from the document on, and the record itself.
    func place(in records: [String]) -> String {
        switch field.origin {
        case .document: place(behind: records[records.count - 1 - declaration.outward])
        case .message(.timestamp): "messages.\"timestamp\""
        case .message(.offset): "messages.\"offset\""
        case .message(.key): "to_json(messages.key)"
        case .message(.topic): "to_json(messages.topic)"
        case .message(.partition): "to_json(cast(messages.partition AS text))"
        case .message(.header(let header)): "messages.headers -> \(SQLWord.literal(header))"
        }
    }

    /// The value at the path, through the elements that it chooses.
    private func place(behind record: String) -> String {
        var (value, place) = (record, 0)
        for choice in declaration.choices {
            value = Self.element(choice, of: Self.path(Array(declaration.path[place..<choice.depth]), in: value))
            place = choice.depth
        }
        return Self.path(Array(declaration.path[place...]), in: value)
    }

    /// The last element of an array that has a text under a key.
    private static func element(_ choice: ElementChoice, of array: String) -> String {
        let key = SQLWord.literal(choice.key)
        return
            "(SELECT chosen.value FROM json_array_elements(CASE WHEN json_typeof(\(array)) = 'array' THEN \(array) END) "
            + "WITH ORDINALITY AS chosen(value, number) "
            + "WHERE json_typeof(chosen.value -> \(key)) IN ('string', 'number', 'boolean') "
            + "AND chosen.value ->> \(key) = \(SQLWord.literal(choice.text)) ORDER BY chosen.number DESC LIMIT 1)"
    }

    static func path(_ keys: [String], in record: String) -> String {
        record + keys.map { " -> \(SQLWord.literal($0))" }.joined()
    }

    // MARK: - What it is

    /// Whether a document is bad in which it is something else.
    var needsKind: Bool { !isTyped && declaration.onTypeError == .reject }

    /// What kind of JSON it is.
    var kind: String { "coalesce(json_typeof(\(name)), 'null') AS \(kindName)" }

    /// The value as a text, a number, a boolean or a moment; null where it is no such thing.
    var scalar: String { isTyped ? name : "\(plainScalar) AS \(name)" }

    /// Escapes of U+0000, which Postgres refuses to read wherever they stand.
    private static let nul = "(?<!\\\\)((?:\\\\\\\\)*)\\\\u0000"
    /// Stands for U+0000 in what is read: no character, now and ever.
    private static let marker = "fdd0"

    /// A document that Postgres can read.
    static func readable(_ value: String) -> String {
        let text = "cast(\(value) AS text)"
        return "CASE WHEN \(text) LIKE '%u0000%' "
            + "THEN cast(regexp_replace(\(text), '\(nul)', '\\1\\\\u\(marker)', 'g') AS json) ELSE \(value) END"
    }

    private static let numeral = "'^[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?$'"
    /// Beyond what any type takes, and what Postgres does.
    private static let hugeExponent = "'[eE][+]?0*[1-9][0-9]{3}'"

    private var plainScalar: String {
        let text = "\(name) #>> '{}'"
        let acceptsText = declaration.acceptsText || field.origin != .document
        let isString = "json_typeof(\(name)) = 'string'"
        let max = declaration.textLengthMax
        switch declaration.type {
        case .text:
            guard acceptsText else { return "CASE WHEN \(isString) THEN \(kept) END" }
            let plain = "json_typeof(\(name)) IN ('number', 'boolean') AND octet_length(\(text)) <= \(max)"
            // The beginning of a number is another number.
            return "CASE WHEN \(isString) THEN \(kept) WHEN \(plain) THEN \(text) END"
        case .boolean:
            let plain = "CASE WHEN json_typeof(\(name)) = 'boolean' THEN cast(\(text) AS boolean)"
            guard acceptsText else { return plain + " END" }
            return plain + " WHEN \(isString) THEN \(SQLWord.truth(of: text)) END"
        case .timestamp(.rfc3339):
            guard let reading else { return "CASE WHEN \(isString) THEN \(TimestampSQL.rfc3339(text)) END" }
            guard let moment = reading.value(of: text) else { return "cast(NULL AS timestamptz)" }
            return "CASE WHEN \(isString) THEN \(moment) END"
        case .integer, .decimal, .double, .timestamp:
            let number = "CASE WHEN \(text) !~ \(Self.hugeExponent) THEN cast(\(text) AS numeric) END"
            let plain = "CASE WHEN json_typeof(\(name)) = 'number' THEN \(number)"
            guard acceptsText else { return plain + " END" }
            let word = SQLWord.trimmed(text)
            return plain
                + " WHEN \(isString) THEN CASE WHEN \(word) ~ \(Self.numeral) AND \(word) !~ \(Self.hugeExponent) "
                + "THEN cast(\(word) AS numeric) END END"
        }
    }

    // MARK: - Whether it is of its type

    /// What must hold of a record that is no dead letter.
    var conditions: [String] {
        guard needsKind else { return declaration.isRequired ? ["\(value) IS NOT NULL"] : [] }
        if declaration.isRequired { return ["coalesce(\(fits ?? "\(name) IS NOT NULL"), false)"] }
        return ["(\(kindName) = 'null' OR coalesce(\(fits ?? "\(name) IS NOT NULL"), false))"]
    }

    /// What holds of a value of its type; nil where every one is.
    private var fits: String? {
        switch declaration.type {
        case .text: nil
        case .boolean: nil
        case .integer:
            "\(name) = trunc(\(name)) AND \(name) BETWEEN -9223372036854775808 AND 9223372036854775807"
        case .decimal(let scale):
            "round(\(name), \(scale)) BETWEEN -9223372036854775808e-\(scale) AND 9223372036854775807e-\(scale)"
        case .double: "abs(\(name)) < 1.797693134862315807937e308"
        case .timestamp(.rfc3339): "\(name) BETWEEN \(TimestampSQL.first) AND \(TimestampSQL.last)"
        case .timestamp(.epochSeconds): TimestampSQL.holds(name, digits: 6)
        case .timestamp(.epochMilliseconds): TimestampSQL.holds(name, digits: 3)
        case .timestamp(.epochMicroseconds): TimestampSQL.holds(name, digits: 0)
        case .timestamp(.epochNanoseconds): TimestampSQL.holds(name, digits: -3)
        }
    }

    /// The value, of the type of its column; null where it does not fit.
    var value: String {
        if isTyped { return name }
        guard let fits else { return isText ? "\(name) COLLATE \"C\"" : name }
        return "CASE WHEN \(fits) THEN \(converted) END"
    }

    private var converted: String {
        switch declaration.type {
        case .text, .boolean, .timestamp(.rfc3339): name
        case .integer: "cast(\(name) AS bigint)"
        case .decimal(let scale): "round(\(name), \(scale))"
        // Postgres refuses what is nearest to 0.
        case .double:
            "CASE WHEN abs(\(name)) < 2.4703282292062328e-324 THEN 0 ELSE cast(\(name) AS double precision) END"
        case .timestamp(.epochSeconds): TimestampSQL.moment(name, digits: 6)
        case .timestamp(.epochMilliseconds): TimestampSQL.moment(name, digits: 3)
        case .timestamp(.epochMicroseconds): TimestampSQL.moment(name, digits: 0)
        case .timestamp(.epochNanoseconds): TimestampSQL.moment(name, digits: -3)
        }
    }

    /// A text that fits, cut if it may be; null for others.
    private var kept: String {
        let (text, max) = ("\(name) #>> '{}'", declaration.textLengthMax)
        let mark = "U&'\\\(Self.marker)'"
        guard declaration.truncates else {
            return "CASE WHEN octet_length(\(text)) <= \(max) AND strpos(\(text), \(mark)) = 0 THEN \(text) END"
        }
        // U+0000 is one byte, and does no harm where it is cut off.
        let length = "octet_length(replace(left(\(text), length), \(mark), '.'))"
        return "(SELECT CASE WHEN strpos(left(\(text), length), \(mark)) = 0 THEN left(\(text), length) END "
            + "FROM generate_series(least(length(\(text)), \(max)), 0, -1) AS length WHERE \(length) <= \(max) LIMIT 1)"
    }
}
