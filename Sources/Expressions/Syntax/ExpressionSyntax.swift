/// An expression as written: names and types are not resolved yet.
struct ExpressionSyntax: Sendable {
    indirect enum Kind: Sendable {
        case literal(ExpressionLiteral)
        case field(String)
        case negate(ExpressionSyntax)
        case not(ExpressionSyntax)
        case arithmetic(Arithmetic, ExpressionSyntax, ExpressionSyntax)
        case compare(Comparison, ExpressionSyntax, ExpressionSyntax)
        /// Two or more conditions joined by `&&`.
        case and([ExpressionSyntax])
        /// Two or more conditions joined by `||`.
        case or([ExpressionSyntax])
        case isNull(ExpressionSyntax, isNegated: Bool)
        case isIn(ExpressionSyntax, [ExpressionSyntax], isNegated: Bool)
        case call(String, [ExpressionSyntax])
        /// `x::type`, `cast(x as type)`, `try_cast(x as type)`.
        case cast(ExpressionSyntax, to: ValueType)
        /// `is distinct from`: a comparison that takes null for a value.
        case isDistinct(ExpressionSyntax, ExpressionSyntax, isNegated: Bool)
        /// `x between low and high`: a condition of its own, since x is computed once.
        case between(ExpressionSyntax, low: ExpressionSyntax, high: ExpressionSyntax)
        /// `case when c then v … else w end` and `if(c, v, w)`; with an operand, `case x when c …`, conditions are values
        /// that it is compared with.
        case choose(of: ExpressionSyntax?, [ChoiceSyntax], otherwise: ExpressionSyntax?)
    }

    var kind: Kind
    /// Unicode scalars before the operator, the name or the literal that diagnostics point at.
    var offset: Int
    /// Unicode scalars before the first token, for diagnostics about the value as a whole.
    var start: Int
    /// Unicode scalars up to the end of the last token.
    var end: Int
    /// The longest way to a leaf, bounded by `ExpressionLimits.heightMax`.
    var height: Int
}

/// One `when … then …`.
struct ChoiceSyntax: Sendable {
    /// What must be true, or, in a `case` of an operand, what that must equal.
    var condition: ExpressionSyntax
    var value: ExpressionSyntax
}

/// A value written in an expression.
enum ExpressionLiteral: Sendable, Equatable {
    case null
    case boolean(Bool)
    case integer(Int64)
    /// `units` of 10^-scale.
    case decimal(units: Int64, scale: Int)
    case double(Double)
    case text(String)
    /// Microseconds since 1970.
    case timestamp(Int64)
    case interval(Interval)
}

/// The operators on numbers.
enum Arithmetic: String, Sendable, CaseIterable {
    case add = "+"
    case subtract = "-"
    case multiply = "*"
    case divide = "/"
    case remainder = "%"
}

/// The comparisons.
enum Comparison: String, Sendable, CaseIterable {
    case equal = "=="
    case notEqual = "!="
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="

    /// The comparison that is true exactly where this one is false.
    var negated: Comparison {
        switch self {
        case .equal: .notEqual
        case .notEqual: .equal
        case .less: .greaterOrEqual
        case .lessOrEqual: .greater
        case .greater: .lessOrEqual
        case .greaterOrEqual: .less
        }
    }

    /// The same comparison with its sides exchanged.
    var mirrored: Comparison {
        switch self {
        case .equal, .notEqual: self
        case .less: .greater
        case .lessOrEqual: .greaterOrEqual
        case .greater: .less
        case .greaterOrEqual: .lessOrEqual
        }
    }
}
