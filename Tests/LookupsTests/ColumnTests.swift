import Lookups
import Platform
import Testing

/// Columns of a batch, filled from rows that were found, against one cell at a time.
@Suite struct ColumnTests {
    private static let schema = DimensionSchema(
        keys: [DimensionField("k", .integer)],
        cells: [
            DimensionField("repeating", .text), DimensionField("unique", .text), DimensionField("n", .integer),
            DimensionField("x", .double), DimensionField("b", .boolean),
        ])

    private static func source(_ rows: Int, round: Int, texts: Int) -> ListSource {
        ListSource(
            rows: (0..<rows).map { number in
                if number % 11 == 0 { return [.integer(Int64(number)), .null, .null, .null, .null, .null] }
                return [
                    .integer(Int64(number)), .text(number % 13 == 0 ? "" : "round \(round) text \(number % texts)"),
                    .text("round \(round) name \(number)"), .integer(Int64(number * round)),
                    .double(Double(number) / 3),
                    .boolean(number % 2 == 0),
                ]
            })
    }

    private static func check(_ snapshot: DimensionSnapshot, _ random: inout SeededRandom, isCopied: [Bool]) {
        let count = 1 + random.below(300)
        let handles = snapshot.find((0..<count).map { _ in [.integer(Int64(random.below(3_000)))] })
        for column in 0..<2 {
            let (texts, hasCopied) = snapshot.texts(column, of: handles)
            #expect(texts == handles.map { snapshot.cell(column, of: $0) })
            if hasCopied { #expect(isCopied[column]) }
        }
        #expect(snapshot.integers(of: handles) == handles.map { snapshot.cell(2, of: $0) })
        #expect(snapshot.doubles(of: handles) == handles.map { snapshot.cell(3, of: $0) })
        #expect(snapshot.booleans(of: handles) == handles.map { snapshot.cell(4, of: $0) })
    }

    @Test(arguments: [UInt64(1), 2])
    func aColumnHoldsWhatTheCellsDo(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let table = DimensionTable(name: "d", schema: Self.schema)
        for round in 1...3 {
            try table.load(from: Self.source(2_000, round: round, texts: 50))
            let snapshot = try #require(table.snapshot())
            // A repeating text is never copied, another always is.
            for _ in 0..<20 { Self.check(snapshot, &random, isCopied: [false, true]) }
        }
    }

    @Test func anEmptyTableFillsColumnsWithNulls() throws {
        let table = DimensionTable(name: "d", schema: Self.schema)
        try table.load(from: ListSource(rows: []))
        let snapshot = try #require(table.snapshot())
        var random = SeededRandom(seed: 1)
        Self.check(snapshot, &random, isCopied: [false, false])
        #expect(snapshot.find([]).isEmpty)
    }
}

extension DimensionSnapshot {
    /// A text column by way of slices, and whether texts were copied; `texts` must say the same.
    fileprivate func texts(_ column: Int, of handles: [RowHandle]) -> (cells: [DimensionCell], hasCopied: Bool) {
        let count = handles.count
        var slices = [UInt32](repeating: 0, count: 2 * count)
        var valid = [UInt8](repeating: 9, count: count)
        var copies: UnsafeMutableRawPointer?
        defer { unsafe copies?.deallocate() }
        let base = unsafe slices.withUnsafeMutableBytes { slices in
            unsafe self.slices(column, of: handles, count: count, into: slices.baseAddress!, valid: &valid) { size in
                let room = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 1)
                unsafe copies = room
                return unsafe room
            }
        }
        let cells = (0..<count).map { index -> DimensionCell in
            if valid[index] == 0 { return .null }
            let text = unsafe UnsafeRawBufferPointer(
                start: base! + Int(slices[2 * index]), count: Int(slices[2 * index + 1]))
            return unsafe .text(String(decoding: text, as: UTF8.self))
        }
        var lent = unsafe [UnsafeRawBufferPointer](
            repeating: UnsafeRawBufferPointer(start: nil, count: 0), count: count)
        unsafe self.texts(column, of: handles, count: count, into: &lent, valid: &valid)
        for index in 0..<count where valid[index] == 1 {
            let text = unsafe String(decoding: lent[index], as: UTF8.self)
            #expect(cells[index] == .text(text))
        }
        return unsafe (cells, copies != nil)
    }

    fileprivate func integers(of handles: [RowHandle]) -> [DimensionCell] {
        var values = [Int64](repeating: 0, count: handles.count)
        var valid = [UInt8](repeating: 9, count: handles.count)
        unsafe integers(2, of: handles, count: handles.count, into: &values, valid: &valid)
        return zip(values, valid).map { $1 == 1 ? .integer($0) : .null }
    }

    fileprivate func doubles(of handles: [RowHandle]) -> [DimensionCell] {
        var values = [Double](repeating: 0, count: handles.count)
        var valid = [UInt8](repeating: 9, count: handles.count)
        unsafe doubles(3, of: handles, count: handles.count, into: &values, valid: &valid)
        return zip(values, valid).map { $1 == 1 ? .double($0) : .null }
    }

    fileprivate func booleans(of handles: [RowHandle]) -> [DimensionCell] {
        var values = [UInt8](repeating: 0, count: handles.count)
        var valid = [UInt8](repeating: 9, count: handles.count)
        unsafe booleans(4, of: handles, count: handles.count, into: &values, valid: &valid)
        return zip(values, valid).map { $1 == 1 ? .boolean($0 == 1) : .null }
    }
}
