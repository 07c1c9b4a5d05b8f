import Dataflow
import Declaration

extension SpecType {
    /// What a value must be, as the end of "expected …" and for the reference page.
    var expectation: String {
        switch self {
        case .string, .secret: "text"
        case .integer(let range): "a whole number" + Self.bounds(range) { "\($0)" }
        case .bytes(let range):
            "a size such as \(Self.example(range))" + Self.bounds(range, Quantity.describe(size:))
        case .duration(let range): "a length of time such as \(Self.examples(range))" + Self.bounds(range)
        case .windowLength(let range):
            "a length of time such as \(Self.examples(range))" + Self.bounds(range)
                + ", or a unit of the calendar such as 1 day or 1 month"
        case .boolean: "true or false"
        case .choice(let words): words.joined(separator: " | ")
        case .fieldName: "the name of a field"
        case .expression: "an expression"
        case .metric: "a metric such as count() or sum(field)"
        case .recordFieldType: "a field type such as text, integer or decimal(2)"
        case .list(let element): "a list of: \(element.expectation)"
        case .map(let value): "a map from names to: \(value.expectation)"
        case .names(let value, _): "a name, a list of names, or a map from names to: \(value.expectation)"
        case .perName(let value): "\(value.expectation), or a map from names to such"
        case .object(let fields): "a map with \(fields.map(\.name).joined(separator: ", "))"
        case .shorthandObject(let shorthand, let fields):
            (fields.first { $0.name == shorthand }.map { $0.type.expectation + ", or " } ?? "")
                + SpecType.object(fields).expectation
        }
    }

    /// Whether a value of this type may hold a secret, so that no text found in its place is shown.
    var holdsSecret: Bool {
        switch self {
        case .secret: true
        case .list(let element), .map(let element), .names(let element, _), .perName(let element):
            element.holdsSecret
        case .object(let fields), .shorthandObject(_, let fields): fields.contains { $0.type.holdsSecret }
        default: false
        }
    }

    /// Whether a value of the node's shape (scalar, list or map) can fit at all.
    func admitsShape(of node: DocumentNode) -> Bool {
        switch (self, node.content) {
        case (.list, .list), (.map, .map), (.object, .map), (.shorthandObject, .map): true
        case (.names, _): true
        case (.perName(let value), .scalar): value.admitsShape(of: node)
        case (.perName, .map): true
        case (.list(let element), _): element.admitsShape(of: node)
        case (.map, _), (.object, _): false
        case (_, .scalar): true
        default: false
        }
    }

    /// A size in the range that people would write.
    private static func example(_ range: ClosedRange<Int64>) -> String {
        let found = [512 << 20, 1 << 20, 1 << 10].first { range.contains($0) } ?? range.lowerBound
        return Quantity.describe(size: found)
    }

    /// Lengths of time in the range that people would write: `500ms, 1m or 1h`.
    private static func examples(_ range: ClosedRange<Duration>) -> String {
        let usual: [Duration] = [.milliseconds(500), .seconds(60), .seconds(3600), .seconds(7 * 86_400)]
        var found = usual.filter(range.contains).map(Quantity.describe)
        guard let last = found.popLast() else { return Quantity.describe(range.lowerBound) }
        return found.isEmpty ? last : found.joined(separator: ", ") + " or " + last
    }

    static func bounds(_ range: ClosedRange<Int64>, _ text: (Int64) -> String) -> String {
        switch (range.lowerBound == .min, range.upperBound == .max) {
        case (true, true): ""
        case (false, true): ", at least \(text(range.lowerBound))"
        case (true, false): ", at most \(text(range.upperBound))"
        case (false, false): " from \(text(range.lowerBound)) to \(text(range.upperBound))"
        }
    }

    static func bounds(_ range: ClosedRange<Duration>) -> String {
        let millennium = Duration.seconds(1000 * 366 * 86_400)
        return range.upperBound > millennium
            ? ", at least \(Quantity.describe(range.lowerBound))"
            : " from \(Quantity.describe(range.lowerBound)) to \(Quantity.describe(range.upperBound))"
    }
}
