import Platform
import Postgres
import Testing

@Suite struct Decimal128Tests {
    /// Digits with a point, as the server writes them.
    private static func text(_ value: Decimal128) -> String {
        var digits = String(value.unscaled.magnitude)
        if value.scale > 0 {
            digits = String(repeating: "0", count: max(0, value.scale + 1 - digits.count)) + digits
            digits.insert(".", at: digits.index(digits.endIndex, offsetBy: -value.scale))
        }
        return (value.unscaled < 0 ? "-" : "") + digits
    }

    private static func extremes() -> [Decimal128] {
        var values: [Decimal128] = []
        for scale in 0...38 {
            var power: Int128 = 1
            for _ in 0..<39 {
                for unscaled in [power, -power, power &- 1, 1 &- power] {
                    values.append(Decimal128(unscaled: unscaled, scale: scale))
                }
                power = power.multipliedReportingOverflow(by: 10).partialValue
            }
            for unscaled in [Int128.min, Int128.min + 1, -1, 0, 1, Int128.max - 1, Int128.max] {
                values.append(Decimal128(unscaled: unscaled, scale: scale))
            }
        }
        return values
    }

    private static func random(_ count: Int, seed: UInt64) -> [Decimal128] {
        var generator = SeededRandom(seed: seed)
        return (0..<count).map { _ in
            let wide = Int128(truncatingIfNeeded: UInt128(generator.next()) << 64 | UInt128(generator.next()))
            let unscaled = wide >> Int128.random(in: 0..<128, using: &generator)
            return Decimal128(unscaled: unscaled, scale: Int.random(in: 0...38, using: &generator))
        }
    }

    @Test func theServerReadsAndWritesWhatWeDo() throws {
        let seed: UInt64 = 20_261
        let values = Self.extremes() + Self.random(20_000, seed: seed)
        var connection = try TestCluster.connect()
        var array = ArrayBuilder(.numeric)
        for value in values { array.append(value) }
        var texts = ArrayBuilder(.text)
        for value in values { texts.append(Self.text(value)) }
        // Our bytes, as the server prints them; the server's bytes of what it parsed; and both must be the same number.
        let result = try connection.query(
            "SELECT n::text, t::numeric, n = t::numeric FROM unnest($1, $2) WITH ORDINALITY AS u(n, t, i) ORDER BY i",
            [.array(array), .array(texts)])
        #expect(result.rowCount == values.count)
        for (row, value) in values.enumerated() {
            let written = try result.text(row, 0)
            let read = try result.numeric(row, 1)
            let isEqual = try result.bool(row, 2)
            if written != Self.text(value) || read != value || isEqual != true {
                Issue.record("\(value): written \(written ?? "nil"), read \(String(describing: read)), seed \(seed)")
                return
            }
        }
    }

    @Test func aScalarIsTheSameAsAnElement() throws {
        var connection = try TestCluster.connect()
        let value = Decimal128(unscaled: -123_456_789_012_345, scale: 7)
        let result = try connection.query("SELECT $1, $1::text", [.numeric(value)])
        #expect(try result.numeric(0, 0) == value)
        #expect(try result.text(0, 1) == "-12345678.9012345")
    }

    @Test func storedColumnsComeBackWithTheirScale() throws {
        var connection = try TestCluster.connect()
        let result = try connection.query(
            "SELECT 1.50::numeric(10,2), 0::numeric(30,20), 1e30::numeric, 1e-30::numeric")
        #expect(try result.numeric(0, 0) == Decimal128(unscaled: 150, scale: 2))
        #expect(try result.numeric(0, 1) == Decimal128(unscaled: 0, scale: 20))
        #expect(try result.numeric(0, 2)?.scale == 0)
        #expect(try result.numeric(0, 3) == Decimal128(unscaled: 1, scale: 30))
    }

    @Test(arguments: [
        "'NaN'", "'infinity'", "'-infinity'", "1e39", "1e-40 + 1", "-170141183460469231731687303715884105729",
    ])
    func whatDoesNotFitIsAnError(expression: String) throws {
        var connection = try TestCluster.connect()
        // PostgreSQL 13 has no infinite numbers.
        if connection.serverVersion < 140_000, expression.contains("infinity") { return }
        let result = try connection.query("SELECT (\(expression))::numeric")
        let error = failure { () throws(PostgresError) in try result.numeric(0, 0) }
        #expect(error?.kind == .usage)
        #expect(
            error?.description
                == "postgres: column numeric holds another value, such as NaN or infinity, expected a numeric of at most "
                + "128 bits")
    }
}
