#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Division of units with the ways of rounding that Postgres has.
enum Rounding {
    case down, up, towardZero, halfAwayFromZero

    /// `units / divisor`, rounded; the divisor is positive.
    @inline(__always)
    func divide(_ units: Int64, by divisor: Int64) -> Int64 {
        let (quotient, remainder) = units.quotientAndRemainder(dividingBy: divisor)
        switch self {
        case .towardZero: return quotient
        case .down: return remainder < 0 ? quotient - 1 : quotient
        case .up: return remainder > 0 ? quotient + 1 : quotient
        case .halfAwayFromZero:
            guard remainder.magnitude >= divisor.magnitude - remainder.magnitude else { return quotient }
            return remainder < 0 ? quotient - 1 : quotient + 1
        }
    }
}

extension FunctionCatalog {
    static let rounding: [ExpressionFunction] = [
        ExpressionFunction(
            "round",
            "The nearest number without digits after the point, or with `n`: of exact numbers the half away from zero, "
                + "of doubles the half to the even neighbour. A negative `n` rounds before the point.",
            [
                .init("round(2.5)", "3"), .init("round(2.5e0)", "2"), .init("round(12.345, 2)", "12.35"),
                .init("round(1250, -2)", "1300"),
            ],
            deviation: "an integer stays one",
            whole(.halfAwayFromZero),
            .form([.double("x")], .double, .map { (x: Double) in x.rounded(.toNearestOrEven) }),
            places(.halfAwayFromZero)),
        ExpressionFunction(
            "trunc", "The number without its digits after the point, or with `n` of them.",
            [.init("trunc(-2.7)", "-2"), .init("trunc(12.345, 1)", "12.3")],
            deviation: "an integer stays one",
            whole(.towardZero), .form([.double("x")], .double, .map { (x: Double) in x.rounded(.towardZero) }),
            places(.towardZero)),
        ExpressionFunction(
            "floor", "The greatest whole number that is not greater.", [.init("floor(-2.5)", "-3")],
            deviation: "an integer stays one",
            whole(.down), .form([.double("x")], .double, .map { (x: Double) in x.rounded(.down) })),
        ExpressionFunction(
            "ceil", "The least whole number that is not less.", [.init("ceil(2.1)", "3")],
            deviation: "an integer stays one",
            whole(.up), .form([.double("x")], .double, .map { (x: Double) in x.rounded(.up) })),
        ExpressionFunction(
            "ceiling", "The same as `ceil`.", [.init("ceiling(-2.5)", "-2")],
            deviation: "an integer stays one",
            whole(.up), .form([.double("x")], .double, .map { (x: Double) in x.rounded(.up) })),
    ]

    /// Of an exact number: an integer as it is, a decimal as one without digits after the point.
    private static func whole(_ rounding: Rounding) -> FunctionForm {
        .form(
            [.exact("x")],
            .init(name: "integer or decimal(0)") { $0.types[0] == .integer ? .integer : .decimal(scale: 0) }
        ) {
            facts in
            let divisor = DecimalComparison.powerOfTen(facts.scale(0))
            guard divisor > 1 else { return .map { (x: Int64) in x } }
            return .map { (x: Int64) in rounding.divide(x, by: divisor) }
        }
    }

    /// With a fixed number of digits after the point.
    private static func places(_ rounding: Rounding) -> FunctionForm {
        .form([.exact("x"), Parameter.integer("n").fixed], .init(name: "decimal(n)") { resultScale($0) }) {
            facts throws(FormProblem) in
            guard let n = facts.integer(1) else {
                throw FormProblem(
                    code: "wrong-arguments", argument: 1, message: "found null, expected the number of digits")
            }
            let scale = facts.scale(0)
            if n >= Int64(scale) {
                let factor = DecimalComparison.powerOfTen(Int(min(n, 18)) - scale)
                return .map { (x: Int64) in
                    let (product, overflow) = x.multipliedReportingOverflow(by: factor)
                    return overflow ? nil : product
                }
            }
            // No number of 64 bits has a digit there.
            let dropped = Int64(scale) - max(n, -100)
            guard dropped <= 18 else { return beyond(rounding, dropped: dropped, scale: scale) }
            let divisor = DecimalComparison.powerOfTen(Int(dropped))
            let factor = n < 0 ? DecimalComparison.powerOfTen(Int(-n)) : 1
            return .map { (x: Int64) in
                let (product, overflow) = rounding.divide(x, by: divisor).multipliedReportingOverflow(by: factor)
                return overflow ? nil : product
            }
        }
    }

    /// More digits dropped than 64 bits have a divisor for. What is left is 0, but half of 10^19 units and more are
    /// rounded to 10^19: the number 10^(19 - scale), which an integer cannot be.
    private static func beyond(_ rounding: Rounding, dropped: Int64, scale: Int) -> Kernel {
        guard rounding == .halfAwayFromZero, dropped == 19 else { return .map { (_: Int64) in Int64(0) } }
        let whole = scale > 0 ? DecimalComparison.powerOfTen(19 - scale) : nil
        return .map { (x: Int64) -> Int64? in
            if x.magnitude < 5_000_000_000_000_000_000 { return 0 }
            return whole.map { x < 0 ? -$0 : $0 }
        }
    }

    private static func resultScale(_ facts: FormArguments) -> ValueType {
        let n = facts.integer(1) ?? 0
        if facts.types[0] == .integer, n <= 0 { return .integer }
        return .decimal(scale: Int(min(max(n, 0), Int64(ExpressionLimits.scaleMax))))
    }
}
