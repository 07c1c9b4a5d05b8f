import JSON
import Testing

@Suite struct FieldTypeTests {
    /// A JSON value and what a field of the type makes of it.
    struct Case: CustomTestStringConvertible, Sendable {
        var json: String
        var value: Value
        var error: DocumentError?
        var testDescription: String { json }

        init(_ json: String, _ value: Value) { (self.json, self.value, error) = (json, value, nil) }
        init(_ json: String, _ error: DocumentError) { (self.json, value, self.error) = (json, .none, error) }
    }

    private func check(_ cases: [Case], _ type: FieldType, sourceLocation: SourceLocation = #_sourceLocation) {
        // Compact, spaced, and last in the buffer; first and second time with the same parser.
        for spelling in [#"{"v":@}"#, #"{ "v" : @ }"#, #"{"a":[],"v":@ , "b":1}"#] {
            var parser = DocumentParser(fields: [FieldDeclaration("v", type)])
            var lenient = DocumentParser(fields: [FieldDeclaration("v", type, onTypeError: .null)])
            let documents = cases.map { Array(spelling.split(separator: "@").joined(separator: $0.json).utf8) }
            for _ in 0..<2 {
                let strict = ParsedBatch(documents, with: &parser).outcomes
                let kept = ParsedBatch(documents, with: &lenient).outcomes
                for (index, one) in cases.enumerated() {
                    #expect(strict[index].values == [one.value], "\(one.json)", sourceLocation: sourceLocation)
                    #expect(strict[index].error == one.error, "\(one.json)", sourceLocation: sourceLocation)
                    let isGrammar = one.error.map { $0.rawValue < DocumentError.wrongType.rawValue } ?? false
                    #expect(
                        kept[index].error == (isGrammar ? one.error : nil), "\(one.json)",
                        sourceLocation: sourceLocation)
                    #expect(kept[index].values == [one.value], "\(one.json)", sourceLocation: sourceLocation)
                }
            }
        }
    }

    static let noNumbers: [Case] = [
        Case("\"5\"", .wrongType), Case("true", .wrongType), Case("false", .wrongType), Case("{}", .wrongType),
        Case("[1]", .wrongType), Case("null", .none), Case("01", .invalidNumber), Case("-", .invalidNumber),
        Case("1.", .invalidNumber), Case("1e", .invalidNumber), Case("1e+", .invalidNumber),
        Case("+1", .invalidStructure),
        Case(".5", .invalidStructure), Case("1x", .invalidNumber), Case("-01", .invalidNumber),
        Case("12345678901234567890x", .invalidNumber), Case("nul", .invalidLiteral), Case("truee", .invalidLiteral),
        Case("NaN", .invalidStructure), Case("-Infinity", .invalidNumber), Case("0x10", .invalidNumber),
        // What simdjson's vector kernels take for a comma and a colon.
        Case("1\u{0c}", .invalidNumber), Case("-1.5e3\u{1a}", .invalidNumber),
        Case("12345678901234567890\u{0c}", .invalidNumber), Case("true\u{0c}", .invalidLiteral),
        Case("1 \u{0c}", .invalidStructure), Case("true \u{1a}", .invalidStructure),
    ]

    @Test func integersAreExactInSixtyFourBits() {
        check(
            [
                Case("0", .integer(0)), Case("-0", .integer(0)), Case("7", .integer(7)), Case("-7", .integer(-7)),
                Case("1234567", .integer(1_234_567)), Case("12345678", .integer(12_345_678)),
                Case("-123456789", .integer(-123_456_789)), Case("123456789012345", .integer(123_456_789_012_345)),
                Case("1234567890123456", .integer(1_234_567_890_123_456)),
                Case("9223372036854775807", .integer(.max)), Case("-9223372036854775808", .integer(.min)),
                Case("9223372036854775808", .outOfRange), Case("-9223372036854775809", .outOfRange),
                Case("18446744073709551616", .outOfRange), Case("100000000000000000000000", .outOfRange),
                Case("1.0", .integer(1)), Case("1e3", .integer(1000)), Case("1E+3", .integer(1000)),
                Case("-2.50e1", .integer(-25)), Case("1200e-2", .integer(12)), Case("0e999999999999", .integer(0)),
                Case("0.000e5", .integer(0)), Case("922337203685477580.70e1", .integer(.max)),
                Case("9223372036854775807000e-3", .integer(.max)), Case("1e18", .integer(1_000_000_000_000_000_000)),
                Case("1e19", .outOfRange), Case("1e400", .outOfRange), Case("1e99999999999999999999", .outOfRange),
                Case("1.5", .wrongType), Case("1e-1", .wrongType), Case("1e-99999999999999999999", .wrongType),
                Case("0.0000001", .wrongType),
            ] + Self.noNumbers, .integer)
    }

    @Test func decimalsRoundHalfAwayFromZero() {
        check(
            [
                Case("0", .integer(0)), Case("0.99", .integer(99)), Case("12.3", .integer(1230)),
                Case("-12.34", .integer(-1234)), Case("5", .integer(500)), Case("1.005", .integer(101)),
                Case("1.0049999", .integer(100)), Case("-1.005", .integer(-101)), Case("0.005", .integer(1)),
                Case("0.0049", .integer(0)), Case("-0.005", .integer(-1)), Case("0.995", .integer(100)),
                Case("1e2", .integer(10000)), Case("1234.5e-2", .integer(1235)), Case("5e-3", .integer(1)),
                Case("4e-3", .integer(0)), Case("9e-4", .integer(0)), Case("1e-400", .integer(0)),
                Case("92233720368547758.07", .integer(.max)), Case("92233720368547758.074", .integer(.max)),
                Case("92233720368547758.075", .outOfRange), Case("-92233720368547758.08", .integer(.min)),
                Case("-92233720368547758.085", .outOfRange), Case("92233720368547758.08", .outOfRange),
                Case("1e17", .outOfRange), Case("123456789.12", .integer(12_345_678_912)),
            ] + Self.noNumbers, .decimal(scale: 2))
        check([Case("1.5", .integer(2)), Case("2.4", .integer(2)), Case("7", .integer(7))], .decimal(scale: 0))
        check(
            [
                Case("1.5", .integer(1_500_000_000_000_000_000)), Case("9.3", .outOfRange),
                Case("12345678", .outOfRange),
                Case("9.223372036854775807", .integer(.max)), Case("0.0000001", .integer(100_000_000_000)),
            ], .decimal(scale: 18))
    }

    @Test func doublesAreTheNearest() {
        check(
            [
                Case("0", .double(0)), Case("-0", .double(-0.0)), Case("-0.0", .double(-0.0)), Case("1", .double(1)),
                Case("0.1", .double(0.1)), Case("-273.15", .double(-273.15)), Case("12345678", .double(12_345_678)),
                Case("99999999.9999999", .double(99999999.9999999)), Case("1e22", .double(1e22)),
                Case("9007199254740993", .double(9_007_199_254_740_992)),
                Case("1.7976931348623157e308", .double(.greatestFiniteMagnitude)),
                Case("1.7976931348623159e308", .outOfRange), Case("1e400", .outOfRange), Case("-1e400", .outOfRange),
                Case("1e99999999999999999999", .outOfRange), Case("5e-324", .double(.leastNonzeroMagnitude)),
                Case("2e-324", .double(0)), Case("-1e-400", .double(-0.0)), Case("0e999999999999", .double(0)),
                Case("0.000000000000000000000000000000000000000000001", .double(1e-45)),
                Case("2.2250738585072011e-308", .doubleBits(0x000f_ffff_ffff_ffff)),
                Case("123456789012345678901234567890", .double(123456789012345677877719597056)),
                Case("7.2057594037927933e16", .double(7.2057594037927933e16)),
            ] + Self.noNumbers, .double)
    }

    @Test func booleansAreTrueAndFalse() {
        check(
            [
                Case("true", .boolean(true)), Case("false", .boolean(false)), Case("null", .none),
                Case("0", .wrongType),
                Case("\"true\"", .wrongType), Case("[true]", .wrongType), Case("True", .invalidStructure),
                Case("fals", .invalidLiteral), Case("falsey", .invalidLiteral), Case("t", .invalidLiteral),
            ], .boolean)
    }

    @Test func textIsUnescaped() {
        let long = String(repeating: "x", count: 256)
        check(
            [
                Case(#""""#, .text("")), Case(#""DE""#, .text("DE")), Case(#""häß 🙂""#, .text("häß 🙂")),
                Case(#""a\"b\\c\/d\b\f\n\r\t""#, .text("a\"b\\c/d\u{8}\u{c}\n\r\t")),
                Case(#""\u00e4\u20AC\uD83D\ude42!""#, .text("ä€🙂!")), Case(#""\\""#, .text("\\")),
                Case(#""\\\\u0000""#, .text(#"\\u0000"#)), Case(#""{\"v\":1},""#, .text(#"{"v":1},"#)),
                Case("\"\(long)\"", .text(long)), Case("\"\(long)x\"", .textTooLong),
                Case("\"\(String(repeating: #"\u0078"#, count: 256))\"", .text(long)),
                Case("\"\(String(repeating: #"\u0078"#, count: 257))\"", .textTooLong),
                Case(#""a\u0000b""#, .nulInText), Case(#""\ud800""#, .unpairedSurrogate),
                Case(#""\udc00""#, .unpairedSurrogate), Case(#""\ud800\u0041""#, .unpairedSurrogate),
                Case(#""\ud800x""#, .unpairedSurrogate), Case(#""\x""#, .invalidEscape),
                Case(#""\u12""#, .invalidEscape),
                Case(#""\u12g4""#, .invalidEscape), Case(#""\ud800\u12""#, .invalidEscape), Case("5", .wrongType),
                Case("true", .wrongType), Case("{}", .wrongType), Case("[\"a\"]", .wrongType), Case("null", .none),
                Case("\"\u{1}\"", .controlCharacter), Case("\"\t\"", .controlCharacter),
            ], .text)
    }

    @Test func timestampsFollowRFC3339() {
        let base: Int64 = 1_772_355_600_000_000
        check(
            [
                Case(#""2026-03-01T09:00:00Z""#, .integer(base)), Case(#""2026-03-01t09:00:00z""#, .integer(base)),
                Case(#""2026-03-01 09:00:00Z""#, .integer(base)),
                Case(#""2026-03-01T09:00:00.5Z""#, .integer(base + 500_000)),
                Case(#""2026-03-01T09:00:00.123Z""#, .integer(base + 123_000)),
                Case(#""2026-03-01T09:00:00.123456Z""#, .integer(base + 123_456)),
                Case(#""2026-03-01T09:00:00.1234569999Z""#, .integer(base + 123_456)),
                Case(#""2026-03-01T10:00:00+01:00""#, .integer(base)),
                Case(#""2026-02-28T23:30:00.25-09:30""#, .integer(base + 250_000)),
                Case(#""2026-03-01T09:00:00-00:00""#, .integer(base)),
                Case(#""2026\u002d03-01T09:00:00Z""#, .integer(base)),
                Case(#""1970-01-01T00:00:00Z""#, .integer(0)), Case(#""1969-12-31T23:59:59.999999Z""#, .integer(-1)),
                Case(#""2016-12-31T23:59:60Z""#, .integer(1_483_228_800_000_000)),
                Case(#""2016-12-31T23:59:60.500Z""#, .integer(1_483_228_800_500_000)),
                Case(#""0001-01-01T00:00:00Z""#, .integer(-62_135_596_800_000_000)),
                Case(#""9999-12-31T23:59:59.999999Z""#, .integer(253_402_300_799_999_999)),
                Case(#""9999-12-31T23:59:60Z""#, .outOfRange), Case(#""0000-12-31T00:00:00Z""#, .outOfRange),
                Case(#""0001-01-01T00:00:00+00:01""#, .outOfRange), Case(#""9999-12-31T23:59:59-00:01""#, .outOfRange),
                Case(#""2024-02-29T00:00:00Z""#, .integer(1_709_164_800_000_000)),
                Case(#""2023-02-29T00:00:00Z""#, .invalidTimestamp),
                Case(#""1900-02-29T00:00:00Z""#, .invalidTimestamp),
                Case(#""2000-02-29T00:00:00Z""#, .integer(951_782_400_000_000)),
                Case(#""2026-04-31T00:00:00Z""#, .invalidTimestamp),
                Case(#""2026-13-01T00:00:00Z""#, .invalidTimestamp),
                Case(#""2026-00-01T00:00:00Z""#, .invalidTimestamp),
                Case(#""2026-01-00T00:00:00Z""#, .invalidTimestamp),
                Case(#""2026-01-01T24:00:00Z""#, .invalidTimestamp),
                Case(#""2026-01-01T00:60:00Z""#, .invalidTimestamp),
                Case(#""2026-01-01T00:00:61Z""#, .invalidTimestamp),
                Case(#""2026-01-01T00:00:00""#, .invalidTimestamp),
                Case(#""2026-01-01T00:00:00.Z""#, .invalidTimestamp),
                Case(#""2026-01-01T00:00:00+0100""#, .invalidTimestamp),
                Case(#""2026-01-01T00:00:00+24:00""#, .invalidTimestamp),
                Case(#""2026-01-01T00:00:00+01:60""#, .invalidTimestamp),
                Case(#""2026-01-01T00:00:00ZZ""#, .invalidTimestamp),
                Case(#""2026-01-01T00:00:00.123Zx""#, .invalidTimestamp), Case(#""2026-01-01""#, .invalidTimestamp),
                Case(#""2026/01/01T00:00:00Z""#, .invalidTimestamp),
                Case(#""2026-01-01T00:00:0 Z""#, .invalidTimestamp),
                Case(#""""#, .invalidTimestamp), Case(#""2026-01-01T00:00:00.12xZ""#, .invalidTimestamp),
                Case(#""2026-01-01T00:00:00,5Z""#, .invalidTimestamp), Case("1772355600", .wrongType),
                Case("null", .none),
                Case("{}", .wrongType),
            ], .timestamp(.rfc3339))
    }

    @Test func epochsAreCutTowardNegativeInfinity() {
        check(
            [
                Case("1772355600", .integer(1_772_355_600_000_000)),
                Case("1772355600.25", .integer(1_772_355_600_250_000)),
                Case("0.0000019", .integer(1)), Case("-0.0000001", .integer(-1)), Case("-1.5", .integer(-1_500_000)),
                Case("1.7723556e9", .integer(1_772_355_600_000_000)),
                Case("-62135596800", .integer(-62_135_596_800_000_000)),
                Case("-62135596800.1", .outOfRange), Case("253402300799.999999", .integer(253_402_300_799_999_999)),
                Case("253402300800", .outOfRange), Case("999999999999999", .outOfRange), Case("1e300", .outOfRange),
            ] + Self.noNumbers, .timestamp(.epochSeconds))
        check(
            [
                Case("1772355600250", .integer(1_772_355_600_250_000)),
                Case("1772355600250.7", .integer(1_772_355_600_250_700)),
                Case("-1", .integer(-1000)), Case("-0.0001", .integer(-1)), Case("253402300800000", .outOfRange),
            ] + Self.noNumbers, .timestamp(.epochMilliseconds))
        check(
            [
                Case("1772355600250001", .integer(1_772_355_600_250_001)), Case("5.9", .integer(5)),
                Case("-5.1", .integer(-6)),
                Case("253402300800000000", .outOfRange), Case("-62135596800000001", .outOfRange),
            ] + Self.noNumbers, .timestamp(.epochMicroseconds))
    }

    @Test func nanosecondsAreCutToMicroseconds() {
        check(
            [
                Case("1772355600250001000", .integer(1_772_355_600_250_001)),
                Case("1772355600250001999", .integer(1_772_355_600_250_001)),
                Case("9999999999999999999", .integer(9_999_999_999_999_999)),
                Case("1772355600250001999.9", .integer(1_772_355_600_250_001)),
                Case("1.772355600250001e18", .integer(1_772_355_600_250_001)),
                Case("9223372036854775807", .integer(9_223_372_036_854_775)), Case("999", .integer(0)),
                Case("-1772355600250001001", .integer(-1_772_355_600_250_002)), Case("-1", .integer(-1)),
                Case("0", .integer(0)), Case("-0.1", .integer(-1)),
                Case("253402300799999999999", .integer(253_402_300_799_999_999)),
                Case("253402300800000000000", .outOfRange), Case("1e300", .outOfRange),
                Case("0772355600250001000", .invalidNumber),
            ] + Self.noNumbers, .timestamp(.epochNanoseconds))
    }
}
