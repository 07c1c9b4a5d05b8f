import Dataflow
import Declaration
import JSON

extension ParsePlan: Explainable {
    package var explanation: [String] {
        let list = fields.map { "\($0.name) \($0.columnType)" }.joined(separator: ", ")
        var lines = [
            "parses \(fields.count) field\(fields.count == 1 ? "" : "s") of each document, and skips all others: \(list)"
        ]
        if let elements {
            let array = elements.isDocument ? "the array that the document is" : elements.name
            lines.append(
                "makes a record of each element of \(array)" + (elements.isOptional ? ", if it is there" : ""))
        }
        let required = fields.filter(\.declaration.isRequired).map(\.name)
        if !required.isEmpty { lines.append("dead letter without \(required.joined(separator: ", "))") }
        let read = fields.filter { $0.reading != nil }.map(\.name)
        if !read.isEmpty { lines.append("reads \(read.joined(separator: ", ")) as text first, then by its format") }
        let attributes = messageTexts.map(\.description)
        if !attributes.isEmpty { lines.append("copies \(attributes.joined(separator: ", ")) of each message") }
        return lines
    }

    package var filledFields: [String] { fields.map(\.name) }
}
