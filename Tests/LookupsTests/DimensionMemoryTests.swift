import Lookups
import Platform
import Synchronization
import Testing

/// What a table holds, counted in bytes.
@Suite(.serialized) struct DimensionMemoryTests {
    private static let rows = 1_000_000
    private static let refreshedRows = 100_000

    /// A text key, two texts that repeat, an integer.
    private static let schema = DimensionSchema(
        keys: [DimensionField("campaign", .text)],
        cells: [DimensionField("advertiser", .text), DimensionField("tz", .text), DimensionField("budget", .integer)])

    private static func source(_ count: Int, changed: Int = 0) -> MadeSource {
        MadeSource(count: count) { number, row in
            row.set(0, text: "campaign-\(number)")
            row.set(1, text: number < changed ? "new advertiser \(number % 10_000)" : "advertiser \(number % 10_000)")
            row.set(2, text: "Europe/City \(number % 400)")
            row.set(3, integer: Int64(number))
        }
    }

    @Test func aMillionTextKeysTakeWhatIsPromised() throws {
        let told = Atomic(0)
        let table = DimensionTable(name: "d", schema: Self.schema) { bytes in
            told.wrappingAdd(bytes, ordering: .relaxed)
        }
        try table.load(from: Self.source(Self.rows))
        let keyBytes = (0..<Self.rows).reduce(0) { $0 + "campaign-\($1)".utf8.count }
        let distinct =
            (0..<10_000).reduce(0) { $0 + "advertiser \($1)".utf8.count }
            + (0..<400).reduce(0) { $0 + "Europe/City \($1)".utf8.count }
        let bytes = table.memoryBytes
        let bound = 16 * Self.rows + keyBytes + (4 + 4 + 8) * Self.rows + distinct
        #expect(bytes <= bound)
        // 6.5 bytes a row beside keys and cells.
        let overhead = Double(bytes - keyBytes - 16 * Self.rows) / Double(Self.rows)
        #expect(overhead < 7.2)
        #expect(told.load(ordering: .relaxed) == bytes)
    }

    @Test func aRefreshHoldsLittleMoreThanTheTable() throws {
        let told = Atomic(0)
        var table: DimensionTable? = DimensionTable(name: "d", schema: Self.schema) { bytes in
            told.wrappingAdd(bytes, ordering: .relaxed)
        }
        try table!.load(from: Self.source(Self.refreshedRows))
        let bytes = table!.memoryBytes
        // What is on its way to the spill file has a bound of its own.
        let bound = Int(1.1 * Double(bytes)) + 1 << 20
        // Half of the rows change, and there are 10,000 new texts.
        try table!.load(from: Self.source(Self.refreshedRows, changed: Self.refreshedRows / 2))
        #expect(table!.generation?.number == 2)
        #expect(table!.memoryBytesPeak <= bound)
        // The same again: nothing is built.
        try table!.load(from: Self.source(Self.refreshedRows, changed: Self.refreshedRows / 2))
        #expect(table!.generation?.number == 2)

        var snapshot = table!.snapshot()
        table = nil
        #expect(told.load(ordering: .relaxed) > 0)
        #expect(snapshot?.rows == Self.refreshedRows)
        snapshot = nil
        #expect(told.load(ordering: .relaxed) == 0)
    }

    @Test func textsThatHardlyRepeatTakeFourBytesMore() throws {
        let schema = DimensionSchema(keys: [DimensionField("id", .integer)], cells: [DimensionField("name", .text)])
        let table = DimensionTable(name: "d", schema: schema)
        let rows = 100_000
        try table.load(
            from: MadeSource(count: rows) { number, row in
                row.set(0, integer: Int64(number))
                row.set(1, text: "the name of \(number)")
            })
        let texts = (0..<rows).reduce(0) { $0 + "the name of \($1)".utf8.count }
        let overhead = Double(table.memoryBytes - texts) / Double(rows)
        // 8 of the key, 4 of the cell, 4 of the index.
        #expect(overhead < 16.2)
    }

    @Test func textsThatAreUsedNoMoreAreGivenBack() throws {
        let schema = DimensionSchema(keys: [DimensionField("id", .integer)], cells: [DimensionField("name", .text)])
        let table = DimensionTable(name: "d", schema: schema)
        func load(_ round: Int) throws {
            try table.load(
                from: MadeSource(count: 40_000) { number, row in
                    row.set(0, integer: Int64(number))
                    row.set(1, text: "round \(round) text \(number / 4) and some more of it to take up room")
                })
        }
        try load(0)
        let first = table.memoryBytes
        for round in 1...6 { try load(round) }
        // All of them would take four megabytes.
        #expect(table.memoryBytes < first + 2 << 20)
    }
}
