import Dataflow

extension TypedPlan {
    /// The value of a constant held in 64 bits.
    var integerConstant: Int64? {
        if case .integer(.constant(let value))? = plan { value } else { nil }
    }

    /// The numbers as doubles; nil when they are constantly null.
    var asDoubles: DoublePlan? {
        switch plan {
        case .double(let plan): return plan
        case .integer(let plan):
            let divisor = Double(DecimalComparison.powerOfTen(type?.exactScale ?? 0))
            if case .constant(let value) = plan { return .constant(DecimalComparison.double(value, divisor: divisor)) }
            return .fromInteger(plan, divisor: divisor)
        default: return nil
        }
    }

    /// The units of exact numbers at a scale not smaller than their own; nil when they are constantly null.
    func asUnits(scale: Int, site: Int) -> IntegerPlan? {
        guard case .integer(let plan)? = plan, let own = type?.exactScale else { return nil }
        return own == scale ? plan : .rescale(plan, by: DecimalComparison.powerOfTen(scale - own), site: site)
    }
}

extension ExpressionChecker {
    mutating func checkSign(_ syntax: ExpressionSyntax, _ operand: ExpressionSyntax) -> TypedPlan? {
        guard let value = check(operand) else { return nil }
        if let interval = value.interval {
            return TypedPlan(plan: nil, type: .interval, isConstant: true, interval: interval.negated)
        }
        guard isNumber(value, operand, "'-'") else { return nil }
        switch (value.plan, value.type) {
        case (.integer(let plan)?, let type?):
            return fold(.integer(.negate(plan, site: site(syntax, "-"))), type, value.isConstant)
        case (.double(let plan)?, let type?): return fold(.double(.negate(plan)), type, value.isConstant)
        default: return .null(value.type ?? .integer)
        }
    }

    /// Whether a value may be used as a number; reports it otherwise.
    mutating func isNumber(_ value: TypedPlan, _ syntax: ExpressionSyntax, _ what: String) -> Bool {
        guard let type = value.type, !type.isNumeric else { return true }
        report(
            "wrong-type", syntax.start, "\(what) needs numbers, found \(type), expected integer, decimal or double",
            hint: type == .text
                ? "declare the field as a number where records are parsed, or cast it: field::integer" : nil)
        return false
    }

    mutating func checkArithmetic(
        _ syntax: ExpressionSyntax, _ operation: Arithmetic, _ left: ExpressionSyntax, _ right: ExpressionSyntax
    ) -> TypedPlan? {
        let (first, second) = (check(left), check(right))
        guard let first, let second else { return nil }
        if [first.type, second.type].contains(where: { [.timestamp, .localTimestamp, .interval].contains($0) }) {
            return checkTimeArithmetic(syntax, operation, first, second)
        }
        if operation == .add, first.type == .text, second.type == .text {
            report(
                "wrong-type", syntax.offset, "'+' needs numbers, found two texts, expected integer, decimal or double",
                hint: "write concat(a, b) to join texts")
            return nil
        }
        let isFirst = isNumber(first, left, "'\(operation.rawValue)'")
        let isSecond = isNumber(second, right, "'\(operation.rawValue)'")
        guard isFirst, isSecond else { return nil }
        guard let type = resultType(operation, first, second) else {
            report(
                "wrong-type", syntax.offset,
                "the product has too many digits, found \(first.type ?? .integer) and \(second.type ?? .integer), "
                    + "expected at most \(ExpressionLimits.scaleMax) digits after the point",
                hint: "use a double for one of them, such as 1e0")
            return nil
        }
        let isConstant = first.isConstant && second.isConstant
        let site = site(syntax, operation.rawValue)
        guard let scale = type.exactScale else {
            guard let a = first.asDoubles, let b = second.asDoubles else { return .null(type) }
            return fold(.double(.arithmetic(operation, a, b, site: site)), type, isConstant)
        }
        let isProduct = operation == .multiply
        guard let a = first.asUnits(scale: isProduct ? first.type?.exactScale ?? 0 : scale, site: site),
            let b = second.asUnits(scale: isProduct ? second.type?.exactScale ?? 0 : scale, site: site)
        else { return .null(type) }
        return fold(.integer(.arithmetic(operation, a, b, site: site)), type, isConstant)
    }

    /// integer with integer stays integer; a decimal keeps all digits, except that its quotient is a double; anything
    /// with a double is a double. nil: too many digits.
    private func resultType(_ operation: Arithmetic, _ first: TypedPlan, _ second: TypedPlan) -> ValueType? {
        let a = first.type ?? second.type ?? .integer
        let b = second.type ?? a
        guard let left = a.exactScale, let right = b.exactScale else { return .double }
        if a == .integer, b == .integer { return .integer }
        switch operation {
        case .divide: return .double
        case .multiply: return left + right <= ExpressionLimits.scaleMax ? .decimal(scale: left + right) : nil
        case .add, .subtract, .remainder: return .decimal(scale: max(left, right))
        }
    }
}
