import Declaration
import Testing

@testable import Dataflow
@testable import Expressions

/// JSON in texts, where Postgres has no answer or another one: depth, and values that no text can hold.
@Suite struct JSONTextTests {
    /// The answers for texts in a column, and how many nulls were counted.
    private func answers(_ expression: String, _ texts: [String?]) throws -> (values: [String?], failures: Int) {
        let batch = SampleBatch([("t", .text)], rows: texts.map { [$0.map { .text($0) }] })
        let start = SourceLocation(file: "t", line: 1, column: 1)
        let typed = try Expression.parse("(\(expression))::text", at: start).check(against: batch.schema)
        let evaluator = typed.makeEvaluator()
        return (batch.texts(evaluator), evaluator.takeFailures().reduce(0) { $0 + $1.count })
    }

    @Test func aTextThatNestsTooDeepIsNone() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        let most = JSONTextReader.depthMax
        let found = try answers("json_array_length(t)", [nested(most), nested(most + 1), nested(1), nested(30_000)])
        #expect(found.values == ["1", nil, "0", nil] && found.failures == 2)
        let open = try answers("json_extract_path_text(t, '-1', '-1')", [String(repeating: "[", count: 60_000)])
        #expect(open.values == [nil] && open.failures == 1)
        // Enough of them that one walk for each step would be felt: it ends, and finds what it should.
        let wide = "[" + (0..<20_000).map(String.init).joined(separator: ",") + "]"
        #expect(try answers("json_extract_path_text(t, '-1')", [wide]).values == ["19999"])
    }

    /// U+0000 and halves of surrogate pairs are no text; where no text is taken out, they do no harm.
    @Test func whatNoTextCanHoldIsAFaultWhereTextsAreTaken() throws {
        let texts = [#"["\u0000"]"#, #"["\ud800", 1]"#, #"["\ud83d\ude00"]"#]
        let taken = try answers("json_extract_path_text(t, '0')", texts)
        #expect(taken.values == [nil, nil, "\u{1F600}"] && taken.failures == 2)
        let counted = try answers("json_array_length(t)", texts)
        #expect(counted.values == ["1", "2", "1"] && counted.failures == 0)
    }

    /// Nothing is asked, or nothing is there: no failure. Keys may change with the record.
    @Test func absenceIsNoFailure() throws {
        let found = try answers(#"json_extract_path_text('{"a":1,"b":null}', t)"#, ["a", "b", "c", nil])
        #expect(found.values == ["1", nil, nil, nil] && found.failures == 0)
        let missing = try answers("json_extract_path_text(t, 'a')", [nil, "", " ", "{}", "7", #"{"a":1}x"#])
        #expect(missing.values == [nil, nil, nil, nil, nil, nil] && missing.failures == 3)
    }

    @Test func theLastOfEqualKeysCountsAtEveryLevel() throws {
        let found = try answers(
            "json_extract_path_text(t, 'a', 'b')",
            [
                #"{"a":{"b":1},"a":{"c":2}}"#, #"{"a":{"b":1},"a":7}"#, #"{"a":{"b":1,"b":2}}"#,
                #"{"\u0061":{"b":3},"x":{"b":4}}"#,
            ])
        #expect(found.values == [nil, nil, "2", "3"] && found.failures == 0)
    }
}
