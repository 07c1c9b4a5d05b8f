import Dataflow
import Testing

@testable import Nodes

@Suite struct StatementSizingTests {
    @Test(arguments: [50, 340, 1_500, 4_096, 9_000])
    func statementsSettleAroundTheirSize(rowBytes: Int) {
        var sizing = StatementSizing()
        for _ in 0..<8 { sizing.observe(rows: sizing.rows, bytes: sizing.rows * rowBytes, time: .zero) }
        #expect(sizing.rows * rowBytes <= SinkLimits.statementBytes)
        #expect(sizing.rows == min(SinkLimits.rowsPerStatement, SinkLimits.statementBytes / rowBytes))
    }

    @Test func rowsThatBecomeLargeMakeTheNextStatementSmallAtOnce() {
        var sizing = StatementSizing()
        for _ in 0..<8 { sizing.observe(rows: sizing.rows, bytes: sizing.rows * 50, time: .zero) }
        sizing.observe(rows: sizing.rows, bytes: sizing.rows * 8_192, time: .zero)
        #expect(sizing.rows == 512)
        sizing.observe(rows: 512, bytes: 512 * 50, time: .zero)
        #expect(sizing.rows == 1_024, "it grows step by step: the next rows may be large again")
    }

    /// A machine that is slow, or rows that are costly: the transaction must not stand still for long.
    @Test func rowsThatTakeLongGoOutFewAtATime() {
        var sizing = StatementSizing()
        for _ in 0..<20 {
            sizing.observe(rows: sizing.rows, bytes: sizing.rows * 50, time: .milliseconds(5) * sizing.rows)
        }
        #expect(sizing.rows == 200)
        for _ in 0..<20 { sizing.observe(rows: sizing.rows, bytes: sizing.rows * 50, time: .seconds(4) * sizing.rows) }
        #expect(sizing.rows == 1)
        for _ in 0..<20 { sizing.observe(rows: sizing.rows, bytes: sizing.rows * 50, time: .zero) }
        #expect(sizing.rows == SinkLimits.rowsPerStatement)
    }

    @Test func hugeRowsStillGoOutInNumbers() {
        var sizing = StatementSizing()
        sizing.observe(rows: 10, bytes: 1 << 30, time: .zero)
        #expect(sizing.rows == SinkLimits.rowsPerStatementMin)
        sizing.observe(rows: 0, bytes: 0, time: .zero)
        #expect(sizing.rows == SinkLimits.rowsPerStatementMin)
    }

    @Test func deadLettersAreSplitByBytes() {
        let letter = DeadLetter(
            partition: 0, offset: 0, line: 0, fault: RecordFault("test", ""),
            payload: [UInt8](repeating: 0, count: 4_096), timestamp: nil)
        let letters = Array(repeating: letter, count: 2_900)
        var rest = letters[...]
        var parts: [Int] = []
        while !rest.isEmpty {
            let part = DeadLetterRows.part(of: rest)
            parts.append(part.count)
            rest = rest.dropFirst(part.count)
        }
        #expect(parts.reduce(0, +) == 2_900)
        #expect(parts.allSatisfy { $0 * 4_096 <= SinkLimits.statementBytes && $0 > 0 })
        #expect(parts.count == 3)
    }
}
