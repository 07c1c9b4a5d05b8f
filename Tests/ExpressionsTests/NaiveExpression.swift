import Dataflow
import Platform

/// A random expression with its text, its type and what it is worth for a row, computed one row at a time with
/// optionals and 128-bit integers: shares no code with the evaluator.
struct NaiveExpression {
    typealias Row = [SampleValue?]

    var text: String
    var type: ColumnType
    var value: (Row) -> SampleValue?
}

/// Makes random expressions over the fields of `fields`.
struct NaiveGenerator {
    static let fields: [(name: String, type: ColumnType)] = [
        ("i", .integer), ("j", .integer), ("d2", .decimal(scale: 2)), ("d5", .decimal(scale: 5)), ("f", .double),
        ("t", .text), ("u", .text), ("b", .boolean), ("s", .timestamp),
    ]

    var random: SeededRandom

    static let texts = ["", "a", "A", "ab", "Ab", "aB", "abc", "ö", "aöb", "日本", "it''s", "\u{1F600}x", "zzzzzzzzzzzz"]
    static let integers: [Int64] = [0, 1, -1, 2, 5, 10, 100, 12345, -250, .max, .min, 1 << 40]

    mutating func row() -> NaiveExpression.Row {
        Self.fields.map { field in
            guard Int.random(in: 0..<5, using: &random) > 0 else { return nil }
            return switch field.type {
            case .text: .text(pick(Self.texts))
            case .double: .double(pick([0, 0.5, -1.25, 1e300, 3, 2.5, 1e-300]))
            case .boolean: .boolean(Bool.random(using: &random))
            default: .integer(pick(Self.integers))
            }
        }
    }

    private mutating func pick<T>(_ values: [T]) -> T { values[Int.random(in: 0..<values.count, using: &random)] }

    private mutating func field(where fits: (ColumnType) -> Bool) -> NaiveExpression {
        let candidates = Self.fields.indices.filter { fits(Self.fields[$0].type) }
        let index = pick(Array(candidates))
        return NaiveExpression(text: Self.fields[index].name, type: Self.fields[index].type) { $0[index] }
    }

    mutating func condition(_ depth: Int) -> NaiveExpression {
        guard depth > 0 else { return field { $0 == .boolean } }
        switch Int.random(in: 0..<15, using: &random) {
        case 12: return range(depth)
        case 13: return distinction(depth)
        case 14: return match(depth)
        case 0: return constant(pick([true, false]))
        case 1: return not(condition(depth - 1))
        case 2, 3: return join(depth, pick(["and", "&&"]), deciding: false)
        case 4, 5: return join(depth, pick(["or", "||"]), deciding: true)
        case 6: return nullTest(any(depth - 1), pick([true, false]))
        case 7: return compare(condition(depth - 1), condition(depth - 1), pick(["==", "!="]))
        case 8: return membership(depth)
        case 9: return textTest(depth)
        default: return comparison(depth)
        }
    }

    private mutating func any(_ depth: Int) -> NaiveExpression {
        switch Int.random(in: 0..<4, using: &random) {
        case 0: condition(depth)
        case 1: text(depth)
        default: number(depth)
        }
    }

    private func constant(_ value: Bool) -> NaiveExpression {
        NaiveExpression(text: "\(value)", type: .boolean) { _ in .boolean(value) }
    }

    private func not(_ a: NaiveExpression) -> NaiveExpression {
        NaiveExpression(text: "not (\(a.text))", type: .boolean) { row in
            guard case .boolean(let value)? = a.value(row) else { return nil }
            return .boolean(!value)
        }
    }

    private mutating func join(_ depth: Int, _ word: String, deciding: Bool) -> NaiveExpression {
        let parts = (0..<Int.random(in: 2...4, using: &random)).map { _ in condition(depth - 1) }
        let text = parts.map { "(\($0.text))" }.joined(separator: " \(word) ")
        return NaiveExpression(text: text, type: .boolean) { row in
            let values = parts.map { $0.value(row) }
            if values.contains(.boolean(deciding)) { return .boolean(deciding) }
            return values.contains { $0 == nil } ? nil : .boolean(!deciding)
        }
    }

    private func nullTest(_ a: NaiveExpression, _ isNegated: Bool) -> NaiveExpression {
        NaiveExpression(text: "(\(a.text)) is \(isNegated ? "not " : "")null", type: .boolean) { row in
            .boolean((a.value(row) == nil) != isNegated)
        }
    }

    private mutating func comparison(_ depth: Int) -> NaiveExpression {
        let word = pick(["==", "!=", "<", "<=", ">", ">="])
        if Bool.random(using: &random) { return compare(number(depth - 1), number(depth - 1), word) }
        return compare(text(depth - 1), text(depth - 1), word)
    }

    private func compare(_ a: NaiveExpression, _ b: NaiveExpression, _ word: String) -> NaiveExpression {
        NaiveExpression(text: "(\(a.text)) \(word) (\(b.text))", type: .boolean) { row in
            guard let x = a.value(row), let y = b.value(row) else { return nil }
            let order = NaiveNumber.order(x, a.type, y, b.type)
            return switch word {
            case "==": .boolean(order == 0)
            case "!=": .boolean(order != 0)
            case "<": .boolean(order < 0)
            case "<=": .boolean(order <= 0)
            case ">": .boolean(order > 0)
            default: .boolean(order >= 0)
            }
        }
    }

    private mutating func range(_ depth: Int) -> NaiveExpression {
        let (part, low, high) = (number(depth - 1), number(depth - 1), number(depth - 1))
        let isNegated = Bool.random(using: &random)
        let (above, below) = (compare(part, low, ">="), compare(part, high, "<="))
        let text = "(\(part.text)) \(isNegated ? "not " : "")between (\(low.text)) and (\(high.text))"
        return NaiveExpression(text: text, type: .boolean) { row in
            let (first, second) = (above.value(row), below.value(row))
            if first == .boolean(false) || second == .boolean(false) { return .boolean(isNegated) }
            return first == nil || second == nil ? nil : .boolean(!isNegated)
        }
    }

    private mutating func distinction(_ depth: Int) -> NaiveExpression {
        let isText = Bool.random(using: &random)
        let (a, b) = isText ? (self.text(depth - 1), self.text(depth - 1)) : (number(depth - 1), number(depth - 1))
        let isNegated = Bool.random(using: &random)
        let equal = compare(a, b, "==")
        let text = "(\(a.text)) is \(isNegated ? "not " : "")distinct from (\(b.text))"
        return NaiveExpression(text: text, type: .boolean) { row in
            let (x, y) = (a.value(row), b.value(row))
            let isSame = x == nil || y == nil ? x == nil && y == nil : equal.value(row) == .boolean(true)
            return .boolean(isSame == isNegated)
        }
    }

    /// `case x when a then … end` that answers conditions.
    private mutating func match(_ depth: Int) -> NaiveExpression {
        let part = self.text(depth - 1)
        let choices = (0..<3).map { _ in (candidate: self.text(depth - 1), value: condition(depth - 1)) }
        let otherwise = condition(depth - 1)
        let whens = choices.map { " when \($0.candidate.text) then \($0.value.text)" }.joined()
        let text = "case \(part.text)\(whens) else \(otherwise.text) end"
        return NaiveExpression(text: "(\(text))", type: .boolean) { row in
            let hit = part.value(row).flatMap { x in choices.first { $0.candidate.value(row) == x } }
            return (hit?.value ?? otherwise).value(row)
        }
    }

    private mutating func membership(_ depth: Int) -> NaiveExpression {
        let isNegated = Bool.random(using: &random)
        let isText = Bool.random(using: &random)
        let operand = isText ? text(depth - 1) : number(depth - 1)
        let list = (0..<Int.random(in: 1...12, using: &random)).map { _ in isText ? textLiteral() : numberLiteral() }
        let isDouble = (list + [operand]).contains { $0.type == .double }
        let text = "(\(operand.text)) \(isNegated ? "not " : "")in [\(list.map(\.text).joined(separator: ", "))]"
        return NaiveExpression(text: text, type: .boolean) { row in
            guard let x = operand.value(row) else { return nil }
            let isMember = list.contains { element in
                guard let y = element.value(row) else { return false }
                guard isDouble else { return NaiveNumber.order(x, operand.type, y, element.type) == 0 }
                return NaiveNumber.double(x, operand.type) == NaiveNumber.double(y, element.type)
            }
            return .boolean(isMember != isNegated)
        }
    }

    private mutating func textTest(_ depth: Int) -> NaiveExpression {
        let (a, b) = (text(depth - 1), text(depth - 1))
        let name = pick(["starts_with", "ends_with", "contains"])
        return NaiveExpression(text: "\(name)(\(a.text), \(b.text))", type: .boolean) { row in
            guard case .text(let x)? = a.value(row), case .text(let y)? = b.value(row) else { return nil }
            let (bytes, part) = (Array(x.utf8), Array(y.utf8))
            switch name {
            case "starts_with": return .boolean(bytes.starts(with: part))
            case "ends_with": return .boolean(bytes.reversed().starts(with: part.reversed()))
            default:
                guard bytes.count >= part.count else { return .boolean(false) }
                return .boolean((0...(bytes.count - part.count)).contains { bytes[$0...].starts(with: part) })
            }
        }
    }
}

extension NaiveGenerator {
    private mutating func textLiteral() -> NaiveExpression {
        let value = pick(Self.texts)
        let quoted = value.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''")
        return NaiveExpression(text: "'\(quoted)'", type: .text) { _ in .text(value) }
    }

    private mutating func text(_ depth: Int) -> NaiveExpression {
        guard depth > 0 else { return Bool.random(using: &random) ? textLiteral() : field { $0 == .text } }
        switch Int.random(in: 0..<6, using: &random) {
        case 0:
            let a = text(depth - 1)
            return NaiveExpression(text: "lower(\(a.text))", type: .text) { Self.change(a.value($0), "A"..."Z", 32) }
        case 1:
            let a = text(depth - 1)
            return NaiveExpression(text: "upper(\(a.text))", type: .text) { Self.change(a.value($0), "a"..."z", -32) }
        case 2:
            let a = text(depth - 1)
            let start = Int.random(in: -2...5, using: &random)
            let count = Int.random(in: 0...4, using: &random)
            return NaiveExpression(text: "substring(\(a.text), \(start), \(count))", type: .text) { row in
                guard case .text(let value)? = a.value(row) else { return nil }
                var part = String.UnicodeScalarView()
                for (index, scalar) in value.unicodeScalars.enumerated()
                where index + 1 >= start && index + 1 < start + count {
                    part.append(scalar)
                }
                return .text(String(part))
            }
        case 3:
            let (a, b, c) = (text(depth - 1), text(depth - 1), text(depth - 1))
            return NaiveExpression(text: "coalesce(\(a.text), \(b.text), \(c.text))", type: .text) {
                a.value($0) ?? b.value($0) ?? c.value($0)
            }
        default: return field { $0 == .text }
        }
    }

    private static func change(
        _ value: SampleValue?, _ letters: ClosedRange<Unicode.Scalar>, _ shift: Int
    ) -> SampleValue? {
        guard case .text(let text)? = value else { return nil }
        var changed = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            let other = letters.contains(scalar) ? Unicode.Scalar(UInt32(Int(scalar.value) + shift)) : scalar
            changed.append(other ?? scalar)
        }
        return .text(String(changed))
    }

    private mutating func numberLiteral() -> NaiveExpression {
        switch Int.random(in: 0..<4, using: &random) {
        case 0:
            let value = pick([0.5, -1.25, 3, 1e300])
            return NaiveExpression(
                text: "\(value)e0".contains("ee") ? "1e300" : value == 1e300 ? "1e300" : "\(value)e0", type: .double
            ) { _ in
                .double(value)
            }
        case 1:
            let (text, units, scale) = pick([
                ("0.5", 5, 1), ("-2.50", -25, 1), ("0.01", 1, 2), ("0.00001", 1, 5), ("123.45", 12345, 2),
                ("0.000000000000000001", 1, 18), ("100.0", 100, 0), ("-0.005", -5, 3),
            ])
            return NaiveExpression(text: text, type: .decimal(scale: scale)) { _ in .integer(Int64(units)) }
        default:
            let value = pick(Self.integers)
            return NaiveExpression(text: "\(value)", type: .integer) { _ in .integer(value) }
        }
    }

    private mutating func number(_ depth: Int) -> NaiveExpression {
        guard depth > 0 else { return Bool.random(using: &random) ? numberLiteral() : field(where: \.isNumeric) }
        switch Int.random(in: 0..<9, using: &random) {
        case 0:
            let a = number(depth - 1)
            return NaiveExpression(text: "-(\(a.text))", type: a.type) { a.value($0).flatMap(NaiveNumber.negated) }
        case 1:
            let a = number(depth - 1)
            return NaiveExpression(text: "abs(\(a.text))", type: a.type) { row in
                switch a.value(row) {
                case .integer(let x)? where x < 0: NaiveNumber.negated(.integer(x))
                case .double(let x)? where x < 0: .double(-x)
                case let x: x
                }
            }
        case 2:
            let a = text(depth - 1)
            return NaiveExpression(text: "length(\(a.text))", type: .integer) { row in
                guard case .text(let value)? = a.value(row) else { return nil }
                return .integer(Int64(value.unicodeScalars.count))
            }
        case 3:
            let (a, b) = (number(depth - 1), number(depth - 1))
            let type = NaiveNumber.common(a.type, b.type)
            return NaiveExpression(text: "coalesce(\(a.text), \(b.text))", type: type) { row in
                // A value that does not fit the common type is there all the same.
                if let x = a.value(row) { return NaiveNumber.convert(x, a.type, to: type) }
                return b.value(row).flatMap { NaiveNumber.convert($0, b.type, to: type) }
            }
        case 4: return extreme(number(depth - 1), number(depth - 1), isGreatest: Bool.random(using: &random))
        case 5: return field(where: \.isNumeric)
        default: return arithmetic(number(depth - 1), number(depth - 1), pick(["+", "-", "*", "/", "%"]))
        }
    }

    private func extreme(_ a: NaiveExpression, _ b: NaiveExpression, isGreatest: Bool) -> NaiveExpression {
        let type = NaiveNumber.common(a.type, b.type)
        let text = "\(isGreatest ? "greatest" : "least")(\(a.text), \(b.text))"
        return NaiveExpression(text: text, type: type) { row in
            let (x, y) = (a.value(row), b.value(row))
            guard let x, let y else {
                return x.flatMap { NaiveNumber.convert($0, a.type, to: type) }
                    ?? y.flatMap { NaiveNumber.convert($0, b.type, to: type) }
            }
            let order = type == .double ? 0 : NaiveNumber.order(y, b.type, x, a.type)
            let (left, right) = (NaiveNumber.double(x, a.type), NaiveNumber.double(y, b.type))
            let isSecond =
                type == .double ? (isGreatest ? right > left : right < left) : (isGreatest ? order > 0 : order < 0)
            return isSecond ? NaiveNumber.convert(y, b.type, to: type) : NaiveNumber.convert(x, a.type, to: type)
        }
    }

    private func arithmetic(_ a: NaiveExpression, _ b: NaiveExpression, _ word: String) -> NaiveExpression {
        guard let type = NaiveNumber.result(word, a.type, b.type) else { return a }
        return NaiveExpression(text: "(\(a.text)) \(word) (\(b.text))", type: type) { row in
            guard let x = a.value(row), let y = b.value(row) else { return nil }
            return NaiveNumber.compute(word, x, a.type, y, b.type, type)
        }
    }
}
