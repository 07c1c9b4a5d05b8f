import Declaration
import Platform
import Testing

@testable import Dataflow
@testable import Expressions

@Suite struct ExpressionPropertyTests {
    private let start = SourceLocation(file: "t", line: 1, column: 1)

    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func evaluatorAgreesWithNaiveInterpreter(seed: UInt64) throws {
        var generator = NaiveGenerator(random: SeededRandom(seed: seed))
        for round in 0..<250 {
            let rows = (0..<40).map { _ in generator.row() }
            let batch = SampleBatch(NaiveGenerator.fields, rows: rows)
            let naive = generator.condition(4)
            let typed: TypedExpression
            do {
                typed = try Expression.parse(naive.text, at: start).checkCondition(against: batch.schema)
            } catch {
                Issue.record("seed \(seed), round \(round): \(naive.text) is refused: \(error)")
                return
            }
            let isTrue = rows.map { naive.value($0) == .boolean(true) }
            let evaluator = typed.makeEvaluator()
            let expected = rows.indices.filter { isTrue[$0] }
            #expect(batch.select(evaluator) == expected, "seed \(seed), round \(round): \(naive.text)")
            let values = rows.map { row -> Bool? in
                if case .boolean(let value)? = naive.value(row) { value } else { nil }
            }
            #expect(batch.truths(evaluator) == values, "seed \(seed), round \(round), as values: \(naive.text)")
            let some = rows.indices.filter { _ in Bool.random(using: &generator.random) }
            #expect(
                batch.select(evaluator, among: some.map { UInt32($0) }) == some.filter { isTrue[$0] },
                "seed \(seed), round \(round), some rows: \(naive.text)")
        }
    }

    @Test func naiveInterpreterCanDisagree() throws {
        // The canary: an interpreter with two-valued logic keeps other rows, so the property above can fail.
        var generator = NaiveGenerator(random: SeededRandom(seed: 99))
        let rows = (0..<40).map { _ in generator.row() }
        let batch = SampleBatch(NaiveGenerator.fields, rows: rows)
        let twoValued = rows.indices.filter { rows[$0][7] != .boolean(true) }
        #expect(try batch.select("not b") != twoValued)
    }

    @Test(arguments: 1...4 as ClosedRange<UInt64>)
    func randomTextIsRefusedOrChecked(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let words = [
            "event", "'", "\"", "`", "==", "!=", "<", ">=", "&&", "||", "!", "and", "or", "not", "in", "is", "null",
            "(", ")",
            "[", "]", ",", ":", "+", "-", "*", "/", "%", "1", "0.5", "1e9", "1e999", "9223372036854775808", "timestamp",
            "'x'", "'2026-01-01'", "lower", "coalesce", "substring", "\u{0}", "é", "\n", " ", ".", "@", "=", "t", "i",
            "d2", "b",
        ]
        let schema = RecordSchema(
            fields: NaiveGenerator.fields.enumerated().map { .init(name: $1.name, type: $1.type, column: $0) },
            eventTimeColumn: nil)
        for _ in 0..<2000 {
            let count = Int.random(in: 0..<14, using: &random)
            let text = (0..<count).map { _ in words.randomElement(using: &random) ?? "" }
                .joined(separator: Bool.random(using: &random) ? " " : "")
            do throws(Diagnostics) {
                _ = try Expression.parse(text, at: start).check(against: schema)
            } catch {
                #expect(error.hasErrors && error.all.allSatisfy { $0.location.column >= 1 }, "seed \(seed): \(text)")
            }
            _ = try? MetricCall.parse(text, at: start)
            let bytes = (0..<count * 3).map { _ in UInt8.random(in: 0...255, using: &random) }
            _ = try? Expression.parse(String(decoding: bytes, as: UTF8.self), at: start)
        }
    }

    @Test func deepAndLongExpressionsAreRefused() {
        for text in [
            String(repeating: "(", count: 50_000), String(repeating: "!", count: 50_000),
            String(repeating: "not ", count: 9000),
            String(repeating: "-", count: 50_000) + "i",
            Array(repeating: "i", count: 9000).joined(separator: "+") + " > 1",
            String(repeating: "a", count: 70_000), String(repeating: "coalesce(i,", count: 5000),
        ] {
            #expect(throws: Diagnostics.self) { try Expression.parse(text, at: start) }
        }
        let long = Array(repeating: "i == 1", count: 5000).joined(separator: " || ")
        #expect(throws: Never.self) { try Expression.parse(long, at: start) }
    }
}
