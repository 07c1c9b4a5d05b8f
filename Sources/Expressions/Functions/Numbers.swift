#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension FunctionCatalog {
    private static let asDouble = "of a decimal a double, where Postgres computes a numeric"

    static let numbers: [ExpressionFunction] = [
        ExpressionFunction(
            "abs", "The number without its sign.", [.init("abs(-2.5)", "2.5")],
            .form([.exact("x")], .same(), .map { (x: Int64) in x == .min ? nil : Swift.abs(x) }),
            .form([.double("x")], .double, .map { (x: Double) in Swift.abs(x) })),
        ExpressionFunction(
            "sign", "-1, 0 or 1.", [.init("sign(-2.5)", "-1")],
            deviation: "of an integer an integer, where Postgres answers a double",
            .form([.exact("x")], .integer, .map { (x: Int64) in x.signum() }),
            .form([.double("x")], .double, .map { (x: Double) in x > 0 ? 1.0 : x < 0 ? -1.0 : 0.0 })),
        ExpressionFunction(
            "mod", "The remainder of `a / b`, with the sign of `a`. The same as `a % b`.",
            [.init("mod(-7, 3)", "-1"), .init("mod(7.5, 2)", "1.5"), .init("mod(1, 0)", nil)],
            .form([.exact("a"), .exact("b")], .same(), alignsScales: true) { _ in
                .map { (a: Int64, b: Int64) in b == 0 ? nil : b == -1 ? 0 : a % b }
            }
        )
        .inSQL(.words { "mod(\($0[0]), nullif(\($0[1]), 0))" }),
        ExpressionFunction(
            "div", "How often `b` goes into `a`, cut off towards zero.",
            [.init("div(7.5, 2)", "3"), .init("div(-7, 2)", "-3")],
            .form(
                [.exact("a"), .exact("b")],
                .init(name: "integer or decimal(0)") { $0.types[0] == .integer ? .integer : .decimal(scale: 0) },
                alignsScales: true
            ) { _ in
                .map { (a: Int64, b: Int64) in
                    let (quotient, overflow) = a.dividedReportingOverflow(by: b)
                    return overflow ? nil : quotient
                }
            }
        )
        .inSQL(.words { "div(\($0[0]), nullif(\($0[1]), 0))" }),
        ExpressionFunction(
            "gcd", "The greatest common divisor.", [.init("gcd(12, -18)", "6")],
            .form(
                [.integer("a"), .integer("b")], .integer, .map { (a: Int64, b: Int64) in Int64(exactly: divisor(a, b)) }
            )
        )
        .inSQL(.wideNamesake),
        ExpressionFunction(
            "lcm", "The least common multiple.", [.init("lcm(4, 6)", "12")],
            .form(
                [.integer("a"), .integer("b")], .integer,
                .map { (a: Int64, b: Int64) -> Int64? in
                    guard a != 0, b != 0 else { return 0 }
                    let (product, overflow) = (a.magnitude / divisor(a, b)).multipliedReportingOverflow(by: b.magnitude)
                    return overflow ? nil : Int64(exactly: product)
                })
        )
        .inSQL(.wideNamesake),
        ExpressionFunction(
            "power", "`a` to the power of `b`.", [.init("power(2, 10)", "1024"), .init("power(-8, 0.5)", nil)],
            deviation: asDouble,
            .form([.double("a"), .double("b")], .double, .map(raised))),
        ExpressionFunction(
            "sqrt", "The square root.", [.init("sqrt(2.25)", "1.5"), .init("sqrt(-1)", nil)], deviation: asDouble,
            .form([.double("x")], .double, .map { (x: Double) in x < 0 ? nil : x.squareRoot() })
        )
        .inSQL(.guarded({ "\($0[0]) >= 0" }, "sqrt")),
        ExpressionFunction(
            "cbrt", "The cube root.", [.init("cbrt(1000)", "10")],
            .form([.double("x")], .double, .map { (x: Double) in cbrt(x) })),
        ExpressionFunction(
            "exp", "e to the power of `x`.", [.init("exp(0)", "1"), .init("exp(1000)", nil)], deviation: asDouble,
            .form(
                [.double("x")], .double,
                .map { (x: Double) in
                    let result = exp(x)
                    return result.isFinite && result != 0 ? result : nil
                })),
        ExpressionFunction(
            "ln", "The natural logarithm.", [.init("ln(1)", "0"), .init("ln(0)", nil)], deviation: asDouble,
            .form([.double("x")], .double, .map { (x: Double) in x > 0 ? log(x) : nil })
        )
        .inSQL(.guarded({ "\($0[0]) > 0" }, "ln")),
        ExpressionFunction(
            "log", "The logarithm to base 10, or to base `b`.", [.init("log(100)", "2"), .init("log(2, 64)", "6")],
            deviation: asDouble + "; `log(b, x)` is a double as well",
            .form([.double("x")], .double, .map { (x: Double) in x > 0 ? log10(x) : nil }),
            .form(
                [.double("b"), .double("x")], .double,
                .map { (b: Double, x: Double) -> Double? in
                    guard b > 0, x > 0, b != 1 else { return nil }
                    return finite(log2(x) / log2(b))
                })
        )
        .inSQL(
            .words { arguments in
                let (base, x) = (arguments.count > 1 ? arguments[0] : "10", arguments[arguments.count - 1])
                return arguments.count == 1
                    ? "CASE WHEN \(x) > 0 THEN log(\(x)) END"
                    : "CASE WHEN \(base) > 0 AND \(base) <> 1 AND \(x) > 0 THEN ln(\(x)) / ln(\(base)) END"
            }),
        ExpressionFunction(
            "log10", "The logarithm to base 10.", [.init("log10(1000)", "3")], deviation: asDouble,
            .form([.double("x")], .double, .map { (x: Double) in x > 0 ? log10(x) : nil })
        )
        .inSQL(.guarded({ "\($0[0]) > 0" }, "log10")),
        ExpressionFunction(
            "degrees", "Radians as degrees.", [.init("degrees(0.5)", "28.64788975654116")],
            .form([.double("x")], .double, .map { (x: Double) in finite(x / (Double.pi / 180)) })),
        ExpressionFunction(
            "radians", "Degrees as radians.", [.init("radians(45)", "0.7853981633974483")],
            .form(
                [.double("x")], .double,
                .map { (x: Double) in
                    let result = x * (Double.pi / 180)
                    return result == 0 && x != 0 ? nil : result
                })),
        ExpressionFunction(
            "width_bucket",
            "The number of the bucket in which `x` falls, of `n` equal ones from `low` to `high`; 0 below, n + 1 over.",
            [.init("width_bucket(35, 0, 100, 10)", "4"), .init("width_bucket(100, 0, 100, 10)", "11")],
            deviation: "of decimals computed in doubles",
            .form([.double("x"), .double("low"), .double("high"), .integer("n")], .integer, bucketed)),
    ]

    @inline(__always)
    static func finite(_ value: Double) -> Double? { value.isFinite ? value : nil }

    private static func divisor(_ a: Int64, _ b: Int64) -> UInt64 {
        var (x, y) = (a.magnitude, b.magnitude)
        while y != 0 { (x, y) = (y, x % y) }
        return x
    }

    @Sendable private static func raised(_ a: Double, _ b: Double) -> Double? {
        let result = pow(a, b)
        guard result.isFinite else { return nil }
        return result == 0 && a != 0 ? nil : result
    }

    private static let bucketed = Kernel { call in
        let arguments = call.arguments
        call.fill({ row in arguments.allSatisfy { $0.isThere(row) } }) { row -> Int64? in
            bucket(
                Double.load(arguments[0], row), Double.load(arguments[1], row), Double.load(arguments[2], row),
                Int64.load(arguments[3], row))
        }
    }

    /// As `width_bucket_float8` of Postgres does it.
    private static func bucket(_ x: Double, _ low: Double, _ high: Double, _ n: Int64) -> Int64? {
        guard n > 0, n < Int64(Int32.max), low != high else { return nil }
        let isAscending = low < high
        if isAscending ? x < low : x > low { return 0 }
        if isAscending ? x >= high : x <= high { return n + 1 }
        let count = Double(n)
        let share: Double
        if isAscending {
            share = (high - low).isFinite ? (x - low) / (high - low) : (x / 2 - low / 2) / (high / 2 - low / 2)
        } else {
            share = (low - high).isFinite ? (low - x) / (low - high) : (low / 2 - x / 2) / (low / 2 - high / 2)
        }
        return min(Int64(count * share), n - 1) + 1
    }
}
