import Declaration
import Testing

@testable import Dataflow
@testable import Expressions

/// Nulls that operations make of values are counted, each where it stands.
@Suite struct ExpressionFailuresTests {
    private let batch = SampleBatch(
        [("a", .integer), ("b", .integer), ("t", .text), ("p", .boolean)],
        rows: [
            [.integer(1), .integer(0), .text("x"), .boolean(true)],
            [.integer(.max), .integer(2), .text("17"), .boolean(false)],
            [nil, .integer(0), nil, nil], [.integer(6), .integer(3), .text("-"), .boolean(true)],
        ])

    private func failures(_ text: String) throws -> [String] {
        let start = SourceLocation(file: "t", line: 1, column: 1)
        let evaluator = try Expression.parse(text, at: start).check(against: batch.schema).makeEvaluator()
        if evaluator.type == .boolean { _ = batch.select(evaluator) } else { _ = batch.texts(evaluator) }
        let scalars = Array(text.unicodeScalars)
        return evaluator.takeFailures().map { site, count in
            "\(site.operation) in \(String(String.UnicodeScalarView(scalars[site.range]))): \(count)"
        }
    }

    @Test(arguments: [
        ("(a / b)::text", ["/ in (a / b): 1"]),
        ("(a * 2)::text", ["* in (a * 2): 1"]),
        ("(a + 1 + t::integer)::text", ["+ in a + 1: 1", "::integer in t::integer: 2"]),
        ("try_cast(t as integer) > 0", ["::integer in try_cast(t as integer): 2"]),
        ("coalesce(t::integer, a / b) > 0", ["::integer in t::integer: 2", "/ in a / b: 1"]),
        ("if(p, a / b, 0) > 0", ["/ in a / b: 1"]),
        ("p and a / b > 0", ["/ in a / b: 1"]),
        ("(a / b > 0) = p", ["/ in a / b: 1"]),
        ("t::integer is distinct from a", ["::integer in t::integer: 2"]),
        ("a is not distinct from t::integer", ["::integer in t::integer: 2"]),
        ("a / b is distinct from t::integer", ["/ in a / b: 1", "::integer in t::integer: 2"]),
        ("t::integer not between 1 and 5", ["::integer in t::integer: 2"]),
        ("t::integer between 1 and 5", ["::integer in t::integer: 2"]),
        ("t::integer between 1 and 5 or p", ["::integer in t::integer: 2"]),
        ("(t::integer not between 1 and 5)::text", ["::integer in t::integer: 2"]),
        ("case t::integer when 1 then 'a' when 2 then 'b' when 17 then 'c' end", ["::integer in t::integer: 2"]),
        ("case a / b when 0 then t when 1 then 'x' else t end", ["/ in a / b: 1"]),
        ("(case a / b when 0 then 1 when 1 then 2 else 3 end)::text", ["/ in a / b: 1"]),
        ("(a / b > 0 and p)::text", ["/ in a / b: 1"]),
        // Where one side decides, the other is not asked, in a value as in a filter.
        ("(not p and a / b > 0)::text", []), ("not p and a / b > 0", []),
        ("regexp_substr(t, '[0-9]')", []), ("nullif(t, 'x')", []), ("url_host(t)", []),
        ("chr(b)", ["chr in chr(b): 2"]),
        // What is no JSON is a failure, also where a failure is likely; what is not there is none.
        ("json_extract_path_text(t, 'a')", ["json_extract_path_text in json_extract_path_text(t, 'a'): 2"]),
        ("json_extract_path_text(concat('{\"a\":', coalesce(a, 1), '}'), 'b')", [String]()),
        ("json_array_length(concat('[', a, ']'))", [String]()),
        ("json_array_length(t)", ["json_array_length in json_array_length(t): 3"]),
    ])
    func eachIsCountedOnce(text: String, expected: [String]) throws {
        let found = try failures(text)
        #expect(found == expected, "\(text)")
    }

    @Test func costlyFunctionsCountEveryRow() throws {
        let rows: [[SampleValue?]] = (0..<3000).map {
            [$0 % 3 == 0 ? nil : .text(["%zz", "a%20b", "%C3%B6"][$0 % 7 % 3])]
        }
        let batch = SampleBatch([("t", .text)], rows: rows)
        let start = SourceLocation(file: "t", line: 1, column: 1)
        let evaluator = try Expression.parse("url_decode(t)", at: start).check(against: batch.schema).makeEvaluator()
        let broken = rows.count { $0[0] == .text("%zz") }
        let expected = rows.map { row -> String? in
            row[0] == .text("a%20b") ? "a b" : row[0] == .text("%C3%B6") ? "ö" : nil
        }
        #expect(batch.texts(evaluator) == expected)
        #expect(evaluator.takeFailures().map(\.count) == [broken])
        // Texts that do not come again.
        let many = SampleBatch([("t", .text)], rows: (0..<3000).map { [.text("a%20\($0)")] })
        #expect(many.texts(evaluator) == (0..<3000).map { "a \($0)" })
    }

    @Test func theMemoryOfCallsStopsGrowing() throws {
        let rows: [[SampleValue?]] = (0..<2000).map { [.text("/user/\($0 % 50)/x")] }
        let batch = SampleBatch([("t", .text)], rows: rows)
        let start = SourceLocation(file: "t", line: 1, column: 1)
        let text =
            "concat(path_template(t), upper(regexp_replace(t, '[0-9]+', '#', 'g')), case when t like '%1%' then t end)"
        let evaluator = try Expression.parse(text, at: start).check(against: batch.schema).makeEvaluator()
        for _ in 0..<3 { _ = batch.texts(evaluator) }
        let bytes = evaluator.bytesHeld
        for _ in 0..<5 { _ = batch.texts(evaluator) }
        #expect(evaluator.bytesHeld == bytes)
    }

    /// Patterns that end with their escape, where Postgres complains; found by a million random ones.
    @Test(arguments: [("Z", "%_%%\\", 1), ("e", "%_%\\", 1), ("a", "%a%\\", 0), ("", "%_%\\", 0)])
    func aLonelyEscapeIsLookedForAsPostgresDoes(text: String, pattern: String, count: Int) throws {
        let batch = SampleBatch([("t", .text), ("p", .text)], rows: [[.text(text), .text(pattern)]])
        let start = SourceLocation(file: "t", line: 1, column: 1)
        let evaluator = try Expression.parse("t not like p", at: start).check(against: batch.schema).makeEvaluator()
        _ = batch.select(evaluator)
        #expect(evaluator.takeFailures().map(\.count).reduce(0, +) == count)
    }

    /// A number that does not fit the digits that all arguments have in common is there: no other takes its place.
    @Test(
        arguments: [
            ("coalesce(i, d)", nil, ["decimal(2) in i: 1"]), ("coalesce(d, i)", "1.25", []),
            ("coalesce(n, i, d)", nil, ["decimal(2) in i: 1"]), ("coalesce(n, d)", "1.25", []),
            ("coalesce(n, 1234567890123456789, d)", nil, ["decimal(2) in 1234567890123456789: 1"]),
            ("coalesce(i::decimal(2), d)", "1.25", ["::decimal(2) in i::decimal(2): 1"]),
            ("greatest(i, d)", nil, ["greatest in (greatest(i, d)): 1"]), ("least(i, d)", "1.25", []),
            ("least(-i, d)", nil, ["least in (least(-i, d)): 1"]), ("greatest(d, n, -i)", "1.25", []),
            ("greatest(1234567890123456789, d)", nil, ["greatest in (greatest(1234567890123456789, d)): 1"]),
            ("case when true then i else d end", nil, ["decimal(2) in i: 1"]),
            ("nullif(d, i)", "1.25", ["decimal(2) in i: 1"]),
        ] as [(String, String?, [String])])
    func whatDoesNotFitIsNotAbsent(text: String, expected: String?, counted: [String]) throws {
        let batch = SampleBatch(
            [("i", .integer), ("d", .decimal(scale: 2)), ("n", .integer)],
            rows: [[.integer(1_234_567_890_123_456_789), .integer(125), nil]])
        let start = SourceLocation(file: "t", line: 1, column: 1)
        let whole = "(\(text))::text"
        let evaluator = try Expression.parse(whole, at: start).check(against: batch.schema).makeEvaluator()
        #expect(batch.texts(evaluator) == [expected], "\(text)")
        let scalars = Array(whole.unicodeScalars)
        let found = evaluator.takeFailures().map { site, count in
            "\(site.operation) in \(String(String.UnicodeScalarView(scalars[site.range]))): \(count)"
        }
        #expect(found == counted, "\(text)")
    }

    /// The nearest multiple of 10^19 of a number of 64 bits may have 65.
    @Test(
        arguments: [
            ("round(i, -19)", nil, 2), ("round(i, -20)", "0", 0), ("round(i, -18)", "9000000000000000000", 0),
            ("trunc(i, -19)", "0", 0), ("trunc(i, -18)", "9000000000000000000", 0),
            ("round(d, -17)", "100000000000000000", 0),
            ("round(d, -18)", "0", 0), ("trunc(d, -17)", "0", 0), ("round(h, -19)", "0", 0),
            ("round(i, -9223372036854775807)", "0", 0), ("round(d, -16)", "90000000000000000", 0),
        ] as [(String, String?, Int)])
    func roundingBeyondTheDigitsIsCounted(text: String, expected: String?, counted: Int) throws {
        func row(_ value: Int64, _ half: Int64) -> [SampleValue?] {
            [.integer(value), .integer(value), .integer(half)]
        }
        let batch = SampleBatch(
            [("i", .integer), ("d", .decimal(scale: 2)), ("h", .integer)],
            rows: [row(.max, 4_999_999_999_999_999_999), row(.min, -4_999_999_999_999_999_999)])
        let start = SourceLocation(file: "t", line: 1, column: 1)
        let evaluator = try Expression.parse("(\(text))::text", at: start).check(against: batch.schema).makeEvaluator()
        let texts = batch.texts(evaluator)
        #expect(texts[0] == expected, "\(text)")
        #expect(texts[1] == expected.map { $0.hasPrefix("0") ? $0 : "-" + $0 }, "\(text)")
        #expect(evaluator.takeFailures().map(\.count).reduce(0, +) == counted, "\(text)")
    }

    @Test func failuresAreTakenOnce() throws {
        let start = SourceLocation(file: "t", line: 1, column: 1)
        let evaluator = try Expression.parse("a / b > 0", at: start).check(against: batch.schema).makeEvaluator()
        _ = batch.select(evaluator)
        #expect(evaluator.takeFailures().map(\.count) == [1])
        #expect(evaluator.takeFailures().isEmpty)
        _ = batch.select(evaluator)
        _ = batch.select(evaluator)
        #expect(evaluator.takeFailures().map(\.count) == [2])
    }

    /// No function makes a text of more than 1 MiB, and a choice does not hand one on in silence either.
    @Test(arguments: [
        ("coalesce(t, u)", "coalesce in coalesce(t, u): 1"),
        ("case when p then t else u end", "case in case when p then t else u end: 1"),
        ("if(p, t, u)", "case in if(p, t, u): 1"),
        ("concat(t, u)", "concat in concat(t, u): 1"),
    ])
    func longTextsAreCounted(text: String, expected: String) throws {
        let long = String(repeating: "x", count: ExpressionLimits.textBytesMax + 1)
        let batch = SampleBatch(
            [("t", .text), ("u", .text), ("p", .boolean)],
            rows: [
                [.text(long), .text("short"), .boolean(true)], [.text("fits"), .text("short"), .boolean(true)],
                [nil, nil, .boolean(true)],
            ])
        let start = SourceLocation(file: "t", line: 1, column: 1)
        let evaluator = try Expression.parse(text, at: start).check(against: batch.schema).makeEvaluator()
        let texts = batch.texts(evaluator)
        let scalars = Array(text.unicodeScalars)
        let found = evaluator.takeFailures().map { site, count in
            "\(site.operation) in \(String(String.UnicodeScalarView(scalars[site.range]))): \(count)"
        }
        #expect(found == [expected])
        #expect(texts[0] == nil)
    }
}
