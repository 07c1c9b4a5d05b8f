import Declaration
import Platform
import Testing

@testable import Dataflow
@testable import Expressions

/// What costly functions remember from batch to batch changes no result, and stays within its bounds.
@Suite struct ResultMemoTests {
    private static let functions = [
        "url_host(t)", "path_template(t)", "regexp_replace(t, '[0-9]+', '#', 'g')", "regexp_substr(t, '[0-9]+')",
        "url_decode(t)", "md5(t)", "regexp_count(t, '[0-9]')::text", "regexp_like(t, '7')::text",
        "concat(url_path(t), regexp_substr(t, '[a-z]+'), path_template(t))", "coalesce(url_query_parameter(t, 'q'), t)",
    ]

    private static func typed(_ text: String) throws -> TypedExpression {
        let start = SourceLocation(file: "t", line: 1, column: 1)
        return try Expression.parse(text, at: start).check(against: SampleBatch([("t", .text)], rows: []).schema)
    }

    /// One of `kinds` texts, some of them broken, absent or long.
    private static func text(_ draw: UInt64, of kinds: UInt64) -> SampleValue? {
        let number = draw % kinds
        return switch number % 11 {
        case 0: nil
        case 1: .text("")
        case 2: .text("%zz\(number)")
        case 3: .text("https://h\(number).example/" + String(repeating: "abc/", count: Int(number % 200)) + "?q=%20x")
        default: .text("https://shop.example/item/\(number)/view?q=größe%20\(number)")
        }
    }

    @Test(arguments: functions, [UInt64(3), 700, 40_000])
    func resultsAreThoseOfOneRowAtATime(function: String, kinds: UInt64) throws {
        // So little that the table fills up and is emptied, again and again.
        let memory = MemoryAccountant(budget: 16 << 20)
        var random = SeededRandom(seed: kinds &+ UInt64(function.utf8.count))
        let typed = try Self.typed(function)
        do {
            let evaluator = typed.makeEvaluator(drawingFrom: memory)
            for batchNumber in 0..<12 {
                let count = [1, 5, 64, 900][batchNumber % 4]
                let values = (0..<count).map { _ in Self.text(UInt64.random(in: 0...(.max), using: &random), of: kinds)
                }
                let found = SampleBatch([("t", .text)], rows: values.map { [$0] }).texts(evaluator)
                var nulls = 0
                let expected = values.map { value in
                    // An evaluator that has seen nothing.
                    let alone = typed.makeEvaluator()
                    defer { nulls += alone.takeFailures().reduce(0) { $0 + $1.count } }
                    return SampleBatch([("t", .text)], rows: [[value]]).texts(alone)[0]
                }
                #expect(found == expected, "batch \(batchNumber)")
                #expect(evaluator.takeFailures().reduce(0) { $0 + $1.count } == nulls, "batch \(batchNumber)")
            }
            #expect(memory.held(by: .kept) > 0)
        }
        #expect(memory.held(by: .kept) == 0)
    }

    @Test func itHoldsNoMoreThanItMay() throws {
        let memo = ResultMemo(bytesMax: 200_000)
        var refused = 0
        for batch in 0..<50 {
            guard memo.begin() else {
                refused += 1
                continue
            }
            for row in 0..<1_000 {
                TextView.with(Array("/page/\(batch * 1_000 + row)".utf8)) { text in
                    if case .unknown(let entry?) = memo.look(up: text, row: row) { memo.close(entry, text: text) }
                }
            }
            #expect(memo.bytes <= 200_000)
        }
        // Every text was a new one: it stops trying.
        #expect(refused > 40)
    }

    @Test func aTextIsKnownInTheNextBatch() {
        let memo = ResultMemo(bytesMax: 1 << 20)
        for batch in 0..<3 {
            #expect(memo.begin())
            var known = 0
            for row in 0..<2_000 {
                TextView.with(Array("/page/\(row)".utf8)) { text in
                    switch memo.look(up: text, row: row) {
                    case .unknown(let entry?): memo.close(entry, value: UInt64(row))
                    case .value(let value, _): known += value == UInt64(row) ? 1 : 0
                    default: break
                    }
                }
            }
            // Some find no place near the one that their hash names.
            #expect(batch == 0 ? known == 0 : known > 1_950)
        }
    }
}
