import Testing

@testable import Dataflow

/// Columns that nodes add to a batch, and columns under a second number.
@Suite struct BatchLayoutTests {
    private static func all(_ count: Int) -> RowSelection { unsafe RowSelection(rows: nil, count: count) }

    /// A batch of three rows: texts "one", null, "three", and integers 1, 2, null; with an added column of each type.
    private static func batch() -> Batch {
        var layout = BatchLayout([.text, .integer])
        layout.add(.text, as: 2)
        layout.add(.integer, as: 4)
        layout.alias(2, as: 5)
        let batch = Batch(payloadBytes: 1_024, layout: layout)
        unsafe Array("onethree".utf8).withUnsafeBytes { unsafe batch.append($0, offset: 0, timestamp: nil) }
        batch.beginRows(3)
        let (texts, numbers) = (batch.columns[0], batch.columns[1])
        unsafe texts.slices[0] = TextSlice(offset: 0, length: 3)
        unsafe texts.slices[2] = TextSlice(offset: 3, length: 5)
        for row in 0..<3 {
            unsafe texts.valid[row] = row == 1 ? 0 : 1
            unsafe numbers.integers[row] = Int64(row + 1)
            unsafe numbers.valid[row] = row == 2 ? 0 : 1
        }
        return batch
    }

    private static func texts(_ column: Column, _ rows: Int) -> [String?] {
        (0..<rows).map { row in
            guard unsafe column.valid[row] == 1 else { return nil }
            let slice = unsafe column.slices[row]
            let bytes = unsafe UnsafeRawBufferPointer(start: column.base + Int(slice.offset), count: Int(slice.length))
            return String(decoding: unsafe Array(bytes), as: UTF8.self)
        }
    }

    @Test func addedTextsOutliveWhatTheyWereCopiedFrom() {
        let batch = Self.batch()
        #expect(batch.fillColumn(2, from: batch.columns[0], Self.all(3)) == nil)
        unsafe batch.base.initializeMemory(as: UInt8.self, repeating: 0, count: 8)
        #expect(Self.texts(batch.columns[2], 3) == ["one", nil, "three"])
        #expect(Self.texts(batch.columns[5], 3) == ["one", nil, "three"], "the same column under another number")
    }

    @Test func rowsThatAreNotSelectedHaveNoValue() {
        let batch = Self.batch()
        unsafe [UInt32(1), 2].withUnsafeBufferPointer { rows in
            let rows = unsafe RowSelection(rows: rows.baseAddress, count: 2)
            #expect(batch.fillColumn(4, from: batch.columns[1], rows) == nil)
            #expect(batch.fillColumn(2, from: batch.columns[0], rows) == nil)
        }
        #expect((0..<3).map { unsafe batch.columns[4].valid[$0] } == [0, 1, 0])
        #expect(unsafe batch.columns[4].integers[1] == 2)
        #expect(Self.texts(batch.columns[2], 3) == [nil, nil, "three"])
    }

    @Test func hashesOfAnAliasAreThoseOfItsColumn() {
        let batch = Self.batch()
        _ = batch.fillColumn(2, from: batch.columns[0], Self.all(3))
        unsafe batch.fillHashes(ofColumn: 5) { _, hashes in for row in 0..<3 { unsafe hashes[row] = UInt64(row) } }
        #expect((0..<3).map { unsafe batch.hashes(ofColumn: 2)[$0] } == [0, 1, 2])
    }

    @Test func aBatchIsFilledAgainAndAgain() {
        let batch = Self.batch()
        _ = batch.fillColumn(2, from: batch.columns[0], Self.all(3))
        let before = batch.memoryBytes
        #expect(before > Batch(payloadBytes: 1_024, layout: BatchLayout()).memoryBytes)
        batch.reset()
        batch.beginRows(2)
        for row in 0..<2 { unsafe batch.columns[0].valid[row] = 0 }
        _ = batch.fillColumn(2, from: batch.columns[0], Self.all(2))
        #expect(Self.texts(batch.columns[2], 2) == [nil, nil])
        #expect(batch.memoryBytes == before)
    }

    @Test func aNumberIsGivenOnce() {
        var layout = BatchLayout([.text])
        layout.alias(0, as: 3)
        #expect(layout.count == 4 && layout.origin(of: 3) == 0 && layout.origin(of: 2) == 2)
        layout.alias(3, as: 4)
        #expect(layout.origin(of: 4) == 0, "an alias of an alias stands for the column itself")
        #expect(layout.parsedCount == 1)
    }
}
