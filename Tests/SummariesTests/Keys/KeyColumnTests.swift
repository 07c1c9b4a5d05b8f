import Testing

@testable import Dataflow
@testable import Summaries

@Suite struct KeyColumnTests {
    /// Nodes behind different branches may list their rows at one place, one after the other.
    @Test func rowsAreKnownByTheirNumbersAndNotByWhereTheseLie() {
        let batch = Batch(payloadBytes: 4_096, layout: BatchLayout([.integer]))
        batch.beginRows(4)
        for row in 0..<4 {
            unsafe batch.columns[0].integers[row] = Int64(10 * row)
            unsafe batch.columns[0].valid[row] = 1
        }
        let column = KeyColumn(.integer(column: 0))
        var numbers: [UInt32] = [0, 1]
        func ids() -> [UInt32] {
            unsafe numbers.withUnsafeMutableBufferPointer {
                let rows = unsafe RowSelection(rows: UnsafePointer($0.baseAddress), count: 2)
                let ids = unsafe column.ids(of: batch, rows)
                return unsafe [ids[0], ids[1]]
            }
        }
        let first = ids()
        numbers[0] = 2
        numbers[1] = 3
        let second = ids()
        #expect(Set(first + second).count == 4, "\(first), \(second)")
        numbers[0] = 0
        numbers[1] = 1
        #expect(ids() == first)
    }
}
