package import Declaration

/// Arithmetic over numbers that have names: `(errors + timeouts) / requests`.
package indirect enum Formula<Name: Sendable>: Sendable {
    /// The operations.
    package enum Operation: String, Sendable {
        case add = "+"
        case subtract = "-"
        case multiply = "*"
        case divide = "/"
    }

    /// A number as written.
    case number(Double)
    /// A number that has a name.
    case name(Name)
    /// The opposite number.
    case negate(Formula)
    /// An operation on two numbers.
    case operation(Operation, Formula, Formula)

    /// All names in it, in the order in which they are written.
    package var names: [Name] {
        switch self {
        case .number: []
        case .name(let name): [name]
        case .negate(let part): part.names
        case .operation(_, let left, let right): left.names + right.names
        }
    }
}

extension Expression {
    /// The expression as arithmetic alone.
    /// - Parameters:
    ///   - problems: gets everything in it that is no arithmetic, with the code `column-syntax`.
    ///   - name: finds what a name stands for, or says why it is nothing.
    /// - Returns: nil when a problem says why it is none.
    package func formula<Name>(
        _ problems: inout Diagnostics, _ name: (String, SourceLocation, inout Diagnostics) -> Name?
    ) -> Formula<Name>? {
        formula(syntax, &problems, name)
    }

    private func formula<Name>(
        _ part: ExpressionSyntax, _ problems: inout Diagnostics,
        _ name: (String, SourceLocation, inout Diagnostics) -> Name?
    ) -> Formula<Name>? {
        switch part.kind {
        case .literal(.integer(let value)): return .number(Double(value))
        case .literal(.decimal(let units, let scale)):
            guard let value = Double("\(units)e-\(scale)") else {
                preconditionFailure("digits with an exponent are a number")
            }
            return .number(value)
        case .literal(.double(let value)): return .number(value)
        case .field(let text): return name(text, source.location(part.offset), &problems).map { .name($0) }
        case .negate(let inner): return formula(inner, &problems, name).map { .negate($0) }
        case .arithmetic(let arithmetic, let left, let right):
            guard let operation = Formula<Name>.Operation(rawValue: arithmetic.rawValue) else { break }
            // Both sides, so that everything wrong is said at once.
            let sides = (formula(left, &problems, name), formula(right, &problems, name))
            guard let left = sides.0, let right = sides.1 else { return nil }
            return .operation(operation, left, right)
        default: break
        }
        var hint: String?
        if case .call("nullif", _) = part.kind { hint = "a division by 0 is null here: write a / b" }
        problems.append(
            Diagnostic(
                code: "column-syntax", at: source.location(part.offset),
                "a column is arithmetic over metrics, found \(source.text(part.start..<part.end)), expected numbers, names of "
                    + "metrics, + - * / and ( )", hint: hint))
        return nil
    }
}
