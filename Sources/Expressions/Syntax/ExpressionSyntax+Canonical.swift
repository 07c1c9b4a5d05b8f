import Platform

/// What an expression means as one text, whatever way it was written: spaces, quotes, brackets, `and` or `&&`, the order
/// of conditions and the sides of a comparison make no difference. Tables remember conditions in this form.
extension ExpressionSyntax {
    /// The canonical text.
    var canonical: String { CanonicalText.of(normalized) }

    /// The conditions that all have to hold, each in canonical form, sorted and without repetitions.
    var canonicalConditions: [String] {
        let whole = normalized
        guard case .and(let parts) = whole.kind else { return [CanonicalText.of(whole)] }
        return parts.map { CanonicalText.of($0) }
    }

    /// The names of all fields.
    var fieldNames: Set<String> {
        switch kind {
        case .literal: []
        case .field(let name): [name]
        case .negate(let part), .not(let part), .isNull(let part, _), .cast(let part, _): part.fieldNames
        case .arithmetic(_, let left, let right), .compare(_, let left, let right), .isDistinct(let left, let right, _):
            left.fieldNames.union(right.fieldNames)
        case .and(let parts), .or(let parts), .call(_, let parts): Self.fieldNames(of: parts)
        case .isIn(let part, let list, _): part.fieldNames.union(Self.fieldNames(of: list))
        case .between(let part, let low, let high): Self.fieldNames(of: [part, low, high])
        case .choose(let operand, let choices, let otherwise):
            Self.fieldNames(
                of: choices.flatMap { [$0.condition, $0.value] } + [operand, otherwise].compactMap(\.self))
        }
    }

    /// The same as if it had been written with comparisons alone: `x >= low and x <= high`, `case when x == a`.
    private var expanded: Kind {
        switch kind {
        case .between(let part, let low, let high):
            .and([
                with(.compare(.greaterOrEqual, part, low)), with(.compare(.lessOrEqual, part, high)),
            ])
        case .choose(let operand?, let choices, let otherwise):
            .choose(
                of: nil,
                choices.map {
                    ChoiceSyntax(condition: with(.compare(.equal, operand, $0.condition)), value: $0.value)
                }, otherwise: otherwise)
        default: kind
        }
    }

    private func with(_ kind: Kind) -> ExpressionSyntax {
        var other = self
        other.kind = kind
        return other
    }

    private static func fieldNames(of parts: [ExpressionSyntax]) -> Set<String> {
        parts.reduce(into: []) { $0.formUnion($1.fieldNames) }
    }

    /// The same meaning with nested `and` and `or` made flat, `not` pushed into comparisons, and operands in order.
    private var normalized: ExpressionSyntax {
        var result = self
        switch expanded {
        case .literal, .field, .between: break
        case .negate(let part): result.kind = .negate(part.normalized)
        case .not(let part): result.kind = Self.negated(part.normalized)
        case .arithmetic(let operation, let left, let right):
            let sides = (left.normalized, right.normalized)
            let isFree = operation == .add || operation == .multiply
            let (first, second) = isFree && Self.precedes(sides.1, sides.0) ? (sides.1, sides.0) : sides
            result.kind = .arithmetic(operation, first, second)
        case .compare(let comparison, let left, let right):
            let sides = (left.normalized, right.normalized)
            result.kind =
                Self.precedes(sides.1, sides.0)
                ? .compare(comparison.mirrored, sides.1, sides.0) : .compare(comparison, sides.0, sides.1)
        case .and(let parts):
            let all = parts.map(\.normalized).flatMap { part -> [ExpressionSyntax] in
                if case .and(let inner) = part.kind { inner } else { [part] }
            }
            let sorted = Self.sorted(all)
            result.kind = sorted.count == 1 ? sorted[0].kind : .and(sorted)
        case .or(let parts):
            let all = parts.map(\.normalized).flatMap { part -> [ExpressionSyntax] in
                if case .or(let inner) = part.kind { inner } else { [part] }
            }
            let sorted = Self.sorted(all)
            result.kind = sorted.count == 1 ? sorted[0].kind : .or(sorted)
        case .isNull(let part, let isNegated): result.kind = .isNull(part.normalized, isNegated: isNegated)
        case .isIn(let part, let list, let isNegated):
            result.kind = .isIn(part.normalized, Self.sorted(list.map(\.normalized)), isNegated: isNegated)
        case .call(let name, let arguments): result.kind = .call(name, arguments.map(\.normalized))
        case .cast(let part, let type): result.kind = .cast(part.normalized, to: type)
        case .isDistinct(let left, let right, let isNegated):
            let sides = (left.normalized, right.normalized)
            let (first, second) = Self.precedes(sides.1, sides.0) ? (sides.1, sides.0) : sides
            result.kind = .isDistinct(first, second, isNegated: isNegated)
        case .choose(let operand, let choices, let otherwise):
            result.kind = .choose(
                of: operand,
                choices.map { ChoiceSyntax(condition: $0.condition.normalized, value: $0.value.normalized) },
                otherwise: otherwise?.normalized)
        }
        return result
    }

    private static func negated(_ part: ExpressionSyntax) -> Kind {
        switch part.kind {
        case .not(let inner): inner.kind
        case .compare(let comparison, let left, let right): .compare(comparison.negated, left, right)
        case .isNull(let inner, let isNegated): .isNull(inner, isNegated: !isNegated)
        case .isIn(let inner, let list, let isNegated): .isIn(inner, list, isNegated: !isNegated)
        case .isDistinct(let left, let right, let isNegated): .isDistinct(left, right, isNegated: !isNegated)
        default: .not(part)
        }
    }

    private static func sorted(_ parts: [ExpressionSyntax]) -> [ExpressionSyntax] {
        // By bytes: to Swift, two Unicode forms of a text are equal; to the engine and to Postgres they are two texts.
        let texts = parts.map { (text: Array(CanonicalText.of($0).utf8), part: $0) }
            .sorted { $0.text.lexicographicallyPrecedes($1.text) }
        return texts.indices.filter { $0 == 0 || texts[$0].text != texts[$0 - 1].text }.map { texts[$0].part }
    }

    /// Whether a side is written first: literals come last, everything else in order of its text.
    private static func precedes(_ left: ExpressionSyntax, _ right: ExpressionSyntax) -> Bool {
        switch (left.isLiteral, right.isLiteral) {
        case (false, true): true
        case (true, false): false
        default: CanonicalText.of(left).utf8.lexicographicallyPrecedes(CanonicalText.of(right).utf8)
        }
    }

    private var isLiteral: Bool { if case .literal = kind { true } else { false } }
}

/// Texts in definitions: on one line, and in letters that a database of any encoding can store. Two Unicode forms of one
/// text look different in it, as they are.
package enum OneLine {
    /// The text with everything else than printable ASCII escaped.
    package static func of(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case _ where (32..<127).contains(scalar.value): result.unicodeScalars.append(scalar)
            default: result += "\\u{" + String(scalar.value, radix: 16) + "}"
            }
        }
        return result
    }
}

/// Writes an expression as it stands.
private enum CanonicalText {
    static func of(_ expression: ExpressionSyntax) -> String {
        switch expression.kind {
        case .literal(let literal): of(literal)
        case .field(let name): name.utf8.allSatisfy(isPlain) ? name : "`" + OneLine.of(name) + "`"
        case .negate(let part): "-" + inner(part)
        case .not(let part): "not " + inner(part)
        case .arithmetic(let operation, let left, let right): "\(inner(left)) \(operation.rawValue) \(inner(right))"
        case .compare(let comparison, let left, let right): "\(inner(left)) \(comparison.rawValue) \(inner(right))"
        case .and(let parts): parts.map(inner).joined(separator: " and ")
        case .or(let parts): parts.map(inner).joined(separator: " or ")
        case .isNull(let part, let isNegated): inner(part) + (isNegated ? " is not null" : " is null")
        case .isIn(let part, let list, let isNegated):
            inner(part) + (isNegated ? " not in [" : " in [") + list.map(of).joined(separator: ", ") + "]"
        case .call(let name, let arguments):
            name.lowercased() + "(" + arguments.map(of).joined(separator: ", ") + ")"
        case .cast(let part, let type): "cast(\(of(part)) as \(type))"
        case .isDistinct(let left, let right, let isNegated):
            "\(inner(left)) is \(isNegated ? "not " : "")distinct from \(inner(right))"
        case .between(let part, let low, let high): "\(inner(part)) between \(inner(low)) and \(inner(high))"
        case .choose(_, let choices, let otherwise):
            "case"
                + choices.map { " when \(inner($0.condition)) then \(inner($0.value))" }.joined()
                + (otherwise.map { " else \(inner($0))" } ?? "") + " end"
        }
    }

    /// An operand, in brackets unless it is one word; comparisons inside `and` and `or` read well without.
    private static func inner(_ expression: ExpressionSyntax) -> String {
        switch expression.kind {
        case .literal, .field, .call, .cast, .choose: of(expression)
        default: "(" + of(expression) + ")"
        }
    }

    private static func of(_ literal: ExpressionLiteral) -> String {
        switch literal {
        case .null: return "null"
        case .boolean(let value): return "\(value)"
        case .integer(let value): return "\(value)"
        case .decimal(var units, var scale):
            // One decimal place stays: 1.0 is no integer.
            while scale > 1, units % 10 == 0 { (units, scale) = (units / 10, scale - 1) }
            return DecimalText.of(units: units, scale: scale) + (scale == 0 ? "." : "")
        case .double(let value): return "\(value)e0"
        case .text(let text): return quoted(text)
        case .timestamp(let microseconds): return "timestamp \(microseconds) us"
        case .interval(let value):
            return "interval \(value.months) months \(value.days) days \(value.microseconds) us"
        }
    }

    private static func quoted(_ text: String) -> String { "'" + OneLine.of(text).replacing("'", with: "''") + "'" }

    private static func isPlain(_ byte: UInt8) -> Bool {
        byte == 95 || (48...57).contains(byte) || (97...122).contains(byte | 0x20)
    }
}

extension Expression {
    /// What it means, in a form that does not depend on how it was written.
    package var canonicalText: String { syntax.canonical }

    /// The conditions that all have to hold, in a form that does not depend on how they were written.
    package var conditions: [String] { syntax.canonicalConditions }

    /// The fields it reads.
    package var fieldNames: Set<String> { syntax.fieldNames }
}

extension Expression {
    /// Stands for what the expression means where nobody may read it, since it holds a secret: its SHA-256 in base 16.
    package var fingerprint: String { canonicalText.fingerprint }
}
