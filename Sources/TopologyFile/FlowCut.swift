import Yams

/// A value inside `{ }` or `[ ]` that YAML has cut at its commas: `{ v: percentiles(v, 5, 50) }` is three entries to it.
///
/// Recognised by a parenthesis that is opened after a name and closed in a later piece.
struct FlowCut {
    /// Pieces looked at: a call has fewer arguments.
    private static let piecesMax = 64

    /// All that was meant to be the value.
    let text: String
    /// The index of the first entry behind it.
    let end: Int

    /// The cut value of the entry at `start`, nil when it is whole.
    init?(_ pairs: [(key: Node, value: Node)], from start: Int) {
        self.init(pairs[start].value, from: start, count: pairs.count) { index in
            guard let key = pairs[index].key.plainText, let value = pairs[index].value.plainText else { return nil }
            return value.isEmpty ? key : key + ": " + value
        }
    }

    /// The cut value of the element at `start`, nil when it is whole.
    init?(_ elements: [Node], from start: Int) {
        self.init(elements[start], from: start, count: elements.count) { index in
            if let text = elements[index].plainText { return text }
            // `[uniques(user, precision: precise)]`: the second piece is a map of one.
            guard let pair = elements[index].mapping?.first, let key = pair.key.plainText,
                let value = pair.value.plainText
            else { return nil }
            return key + ": " + value
        }
    }

    private init?(_ first: Node, from start: Int, count: Int, _ piece: (Int) -> String?) {
        guard var text = first.plainText, Self.isCallWithoutEnd(text) else { return nil }
        var depth = Self.depth(of: text)
        var index = start + 1
        while index < min(count, start + Self.piecesMax), let next = piece(index) {
            text += ", " + next
            depth += Self.depth(of: next)
            index += 1
            if depth <= 0 {
                self.text = text
                end = index
                return
            }
        }
        return nil
    }

    private static func isCallWithoutEnd(_ text: String) -> Bool {
        guard let open = text.firstIndex(of: "("), open > text.startIndex else { return false }
        let before = text[text.index(before: open)]
        return (before.isLetter || before.isNumber || before == "_") && depth(of: text) > 0
    }

    private static func depth(of text: String) -> Int {
        text.utf8.reduce(0) { $0 + ($1 == UInt8(ascii: "(") ? 1 : $1 == UInt8(ascii: ")") ? -1 : 0) }
    }
}

extension Node {
    /// The text of a scalar without quotes.
    fileprivate var plainText: String? {
        guard let scalar, scalar.style == .plain || scalar.style == .any else { return nil }
        return scalar.string
    }
}
