import JSON
import Platform
import Testing

@Suite struct AcceptTextTests {
    private static func values(_ json: [String], _ type: FieldType) -> [Outcome] {
        var field = FieldDeclaration("v", type)
        field.acceptsText = true
        var parser = DocumentParser(fields: [field])
        // The first time the general way learns the keys, the second time the short one may answer.
        _ = ParsedBatch(json.map { Array("{\"v\":\($0)}".utf8) }, with: &parser)
        return ParsedBatch(json.map { Array("{\"v\":\($0)}".utf8) }, with: &parser).outcomes
    }

    private func check(_ cases: [(String, Value)], _ type: FieldType, sourceLocation: SourceLocation = #_sourceLocation)
    {
        let outcomes = Self.values(cases.map(\.0), type)
        for (outcome, one) in zip(outcomes, cases) {
            #expect(outcome.error == nil, "\(one.0): \(outcome)", sourceLocation: sourceLocation)
            #expect(outcome.values == [one.1], "\(one.0)", sourceLocation: sourceLocation)
        }
    }

    private func refuse(
        _ cases: [(String, DocumentError)], _ type: FieldType, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let outcomes = Self.values(cases.map(\.0), type)
        for (outcome, one) in zip(outcomes, cases) {
            #expect(
                outcome.error == one.1 && outcome.values == [.none], "\(one.0): \(outcome)",
                sourceLocation: sourceLocation)
        }
    }

    @Test func integers() {
        check(
            [
                (#""200""#, .integer(200)), (#""-7""#, .integer(-7)), ("17", .integer(17)), (#""007""#, .integer(7)),
                (#"" +42 ""#, .integer(42)), (#""1.0""#, .integer(1)), (#""1e3""#, .integer(1_000)),
                (#""5.""#, .integer(5)),
                (#""123456789012345""#, .integer(123_456_789_012_345)),
                (#""1234567890123456""#, .integer(1_234_567_890_123_456)),
                (#""9223372036854775807""#, .integer(.max)), (#""-9223372036854775808""#, .integer(.min)),
                ("\"\\u0032\\u0030\"", .integer(20)), ("null", .none),
            ], .integer)
        refuse(
            [
                (#""""#, .wrongType), (#"" ""#, .wrongType), (#""-""#, .wrongType), (#""1.5""#, .wrongType),
                (#""12a""#, .wrongType), (#""0x10""#, .wrongType), (#""1 2""#, .wrongType), (#""--1""#, .wrongType),
                (#""1e""#, .wrongType), (#""NaN""#, .wrongType), (#""9223372036854775808""#, .outOfRange),
                (#""1,000""#, .wrongType), (#""١٢""#, .wrongType), ("true", .wrongType), ("1.5", .wrongType),
                ("[]", .wrongType),
            ], .integer)
    }

    @Test func decimalsKeepEveryDigit() {
        check(
            [
                (#""4.99""#, .integer(499)), (#""92233720368547758.07""#, .integer(.max)), (#"".5""#, .integer(50)),
                (#""0.005""#, .integer(1)), (#""-0.005""#, .integer(-1)), (#""12""#, .integer(1_200)),
                // A double would make 0.28999999999999998 and so on of these.
                (#""0.29""#, .integer(29)), (#""1.005""#, .integer(101)),
                (#""90071992547409.93""#, .integer(9_007_199_254_740_993)),
                ("4.99", .integer(499)),
            ], .decimal(scale: 2))
        check([(#""0.123456789012345678""#, .integer(123_456_789_012_345_678))], .decimal(scale: 18))
        refuse([(#""1.0.0""#, .wrongType), (#""$4.99""#, .wrongType), (#""1e17""#, .outOfRange)], .decimal(scale: 2))
    }

    @Test func doubles() {
        check(
            [
                (#""0.1""#, .double(0.1)), (#""-273.15""#, .double(-273.15)), (#""1e22""#, .double(1e22)),
                (#""+.5e1""#, .double(5)), (#""5e-324""#, .double(.leastNonzeroMagnitude)), ("0.25", .double(0.25)),
            ], .double)
        refuse([(#""1e400""#, .outOfRange), (#""Infinity""#, .wrongType), (#""-""#, .wrongType)], .double)
    }

    @Test func booleansAreSpelledAsInPostgres() {
        for word in ["true", "TRUE", "t", "tr", "yes", "Y", "on", "ON", "1", " true "] {
            check([("\"\(word)\"", .boolean(true))], .boolean)
        }
        for word in ["false", "F", "fal", "no", "N", "off", "of", "0"] {
            check([("\"\(word)\"", .boolean(false))], .boolean)
        }
        check([("true", .boolean(true)), ("false", .boolean(false)), ("null", .none)], .boolean)
        for word in ["", "o", "truee", "2", "10", "nope", "\\u0011", "wahr"] {
            refuse([("\"\(word)\"", .wrongType)], .boolean)
        }
        refuse([("1", .wrongType), ("0", .wrongType)], .boolean)
    }

    @Test func textTakesNumbersAndBooleansAsTheyAreWritten() {
        check(
            [
                ("17", .text("17")), ("-1.50", .text("-1.50")), ("1E+3", .text("1E+3")), ("17 ", .text("17")),
                ("true", .text("true")), ("false", .text("false")), (#""user_26""#, .text("user_26")), ("null", .none),
                ("123456789012345678901234567890", .text("123456789012345678901234567890")),
            ], .text)
        refuse([("{}", .wrongType), ("[1]", .wrongType), ("01", .invalidNumber)], .text)
        var field = FieldDeclaration("v", .text)
        field.acceptsText = true
        field.textLengthMax = 3
        #expect(parsed(#"{"v":1234}"#, [field]).error == .textTooLong)
        #expect(parsed(#"{"v":true}"#, [field]).error == .textTooLong)
        // A number is not cut: its beginning is another one.
        field.truncates = true
        #expect(parsed(#"{"v":1234}"#, [field]).error == .textTooLong)
    }

    @Test func instantsThatAreNumbers() {
        check(
            [(#""1774744200000""#, .integer(1_774_744_200_000_000)), (#""-0.5""#, .integer(-500))],
            .timestamp(.epochMilliseconds))
        check([(#""1774744200""#, .integer(1_774_744_200_000_000))], .timestamp(.epochSeconds))
        check(
            [(#""1774744200000001999""#, .integer(1_774_744_200_000_001)), (#""-1""#, .integer(-1))],
            .timestamp(.epochNanoseconds))
        check([(#""2026-03-29T00:30:00Z""#, .integer(1_774_744_200_000_000))], .timestamp(.rfc3339))
        refuse([(#""soon""#, .wrongType), (#""1e30""#, .outOfRange)], .timestamp(.epochSeconds))
    }

    @Test func strictFieldsStayStrict() {
        for type in [FieldType.integer, .decimal(scale: 2), .double, .boolean] {
            #expect(parsed(#"{"v":"1"}"#, [FieldDeclaration("v", type)]).error == .wrongType)
        }
        #expect(parsed(#"{"v":1}"#, [FieldDeclaration("v", .text)]).error == .wrongType)
    }

    @Test func theReasonSaysThatTheTextIsNoNumber() {
        var field = FieldDeclaration("v", .integer)
        field.acceptsText = true
        #expect(
            parsed(#"{"v":"x"}"#, [field]).reason == "v at byte 5: found text that does not spell an integer of 64 bits"
        )
    }

    /// A number in quotes is what the number is without them: the strict way is the oracle.
    @Test func quotesMakeNoDifference() {
        let seed: UInt64 = 9
        var random = SeededRandom(seed: seed)
        let numbers = (0..<20_000).map { _ in Self.number(&random) }
        for type in [FieldType.integer, .decimal(scale: 2), .decimal(scale: 9), .double, .timestamp(.epochSeconds)] {
            var strict = DocumentParser(fields: [FieldDeclaration("v", type)])
            let expected = ParsedBatch(numbers.map { Array("{\"v\":\($0)}".utf8) }, with: &strict).outcomes
            let found = Self.values(numbers.map { "\"\($0)\"" }, type)
            for (index, number) in numbers.enumerated()
            where found[index].values != expected[index].values || found[index].error != expected[index].error {
                Issue.record("\(type) \(number): \(found[index]), expected \(expected[index]), seed \(seed)")
                return
            }
        }
    }

    private static func number(_ random: inout SeededRandom) -> String {
        func digits(_ count: Int) -> String { (0..<count).map { _ in String(random.below(10)) }.joined() }
        var text = random.chance(30) ? "-" : ""
        text += random.chance(20) ? "0" : String(1 + random.below(9)) + digits(random.below(random.chance(80) ? 6 : 19))
        if random.chance(50) { text += "." + digits(1 + random.below(random.chance(80) ? 3 : 20)) }
        if random.chance(10) { text += random.pick(["e", "E", "e+", "e-"]) + digits(1 + random.below(2)) }
        return text
    }
}
