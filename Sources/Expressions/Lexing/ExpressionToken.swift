/// A word of the expression language with its place.
struct ExpressionToken {
    enum Kind: Equatable {
        /// A field or function name; `isQuoted` when written in backquotes, which are never keywords.
        case name(String, isQuoted: Bool)
        case keyword(Keyword)
        case number(ExpressionNumber)
        case text(String)
        case symbol(Symbol)
        case end
    }

    /// Words with a meaning of their own, in any case.
    enum Keyword: String {
        case and, or, not, `in`, `is`, null, `true`, `false`
    }

    /// Operators and punctuation.
    enum Symbol: String {
        case equal = "=="
        case notEqual = "!="
        /// SQL's `!=`.
        case unequal = "<>"
        case less = "<"
        case lessOrEqual = "<="
        case greater = ">"
        case greaterOrEqual = ">="
        case and = "&&"
        case or = "||"
        case not = "!"
        case plus = "+"
        case minus = "-"
        case times = "*"
        case divide = "/"
        case remainder = "%"
        case leftParenthesis = "("
        case rightParenthesis = ")"
        case leftBracket = "["
        case rightBracket = "]"
        case comma = ","
        case colon = ":"
        /// SQL's `==`.
        case assign = "="
        case cast = "::"
        case match = "~"
        case matchAnyCase = "~*"
        case noMatch = "!~"
        case noMatchAnyCase = "!~*"
    }

    var kind: Kind
    /// Unicode scalars before the token.
    var offset: Int
    /// Unicode scalars up to its end.
    var end: Int

    /// The token in the words of a diagnostic; never the contents of a text, which may be a secret.
    var found: String {
        switch kind {
        case .name(let name, _): "'\(name)'"
        case .keyword(let keyword): "'\(keyword.rawValue)'"
        case .number(let number): number.text
        case .text: "a text"
        case .symbol(let symbol): "'\(symbol.rawValue)'"
        case .end: "the end"
        }
    }
}

/// An unsigned number as written: exact where it fits, else a double.
struct ExpressionNumber: Equatable {
    /// The digits as written.
    var text: String
    /// The digits without the point and trailing zeros after it; nil when the number is a double.
    var magnitude: UInt64?
    /// Digits of `magnitude` after the point; nil for a whole number.
    var scale: Int?
    /// The nearest double.
    var double: Double
}
