import Lookups
import Platform
import Testing

/// Rows that are valid for a time.
@Suite struct ValidityTests {
    private static let schema = DimensionSchema(
        keys: [DimensionField("k", .text)], cells: [DimensionField("a", .text), DimensionField("n", .integer)],
        validity: .init(from: "since", to: "until"))

    @Test(arguments: [UInt64(1), 2, 3, 4])
    func aMomentFindsTheRowThatHolds(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        for _ in 0..<10 {
            let rows = Self.history(&random)
            let table = DimensionTable(name: "d", schema: Self.schema)
            let generation = try table.load(from: ListSource(rows: rows.shuffled(using: &random)))
            let again = try table.load(from: ListSource(rows: rows.shuffled(using: &random)))
            #expect(again.digest == generation.digest && again.number == 1)
            let snapshot = try #require(table.snapshot())
            var keys: [[DimensionCell]] = []
            var moments: [Int64] = []
            for _ in 0..<2_000 {
                keys.append([random.chance(5) ? .text("nobody") : random.pick(rows)[0]])
                moments.append(random.chance(10) ? random.pick([.min, .max]) : Int64(random.below(120)) - 10)
            }
            for (index, handle) in snapshot.find(keys, at: moments).enumerated() {
                let expected = rows.first { row in
                    row[0] == keys[index][0] && Self.holds(row, moments[index])
                }
                #expect(
                    snapshot.cells(of: handle) == (expected.map { [$0[1], $0[2]] } ?? [.null, .null]),
                    "key \(keys[index]) at \(moments[index]), seed \(seed)")
            }
        }
    }

    private static func holds(_ row: [DimensionCell], _ moment: Int64) -> Bool {
        if case .integer(let from) = row[3], moment < from { return false }
        if case .integer(let to) = row[4], moment >= to { return false }
        return true
    }

    /// Keys with up to twenty rows each, with gaps, open ends, and rows that hold at no moment.
    private static func history(_ random: inout SeededRandom) -> [[DimensionCell]] {
        var rows: [[DimensionCell]] = []
        for key in 0..<random.pick([1, 30, 300]) {
            var moment = Int64(random.below(50))
            let versions = 1 + random.below(20)
            for version in 0..<versions {
                let begins: DimensionCell = version == 0 && random.chance(30) ? .null : .integer(moment)
                moment += Int64(random.below(6))
                let ends: DimensionCell = version == versions - 1 && random.chance(50) ? .null : .integer(moment)
                rows.append([.text("k\(key)"), .text("v\(version % 3)"), .integer(Int64(version)), begins, ends])
                if random.chance(30) { moment += Int64(random.below(4)) }
            }
        }
        return rows
    }

    @Test func aRowHoldsFromItsFirstMomentUntilTheOneBeforeItsLast() throws {
        let table = DimensionTable(name: "d", schema: Self.schema)
        try table.load(
            from: ListSource(rows: [
                [.text("k"), .text("first"), .null, .null, .integer(10)],
                [.text("k"), .text("second"), .null, .integer(10), .integer(20)],
                [.text("k"), .text("last"), .null, .integer(25), .null],
            ]))
        let snapshot = try #require(table.snapshot())
        let moments: [Int64] = [.min, 9, 10, 19, 20, 24, 25, .max]
        let found = snapshot.find(moments.map { _ in [.text("k")] }, at: moments).map { snapshot.cell(0, of: $0) }
        #expect(
            found == [
                .text("first"), .text("first"), .text("second"), .text("second"), .null, .null, .text("last"),
                .text("last"),
            ])
    }

    @Test func rowsThatHoldAtOneTimeAreAnErrorThatNamesTheKey() throws {
        let table = DimensionTable(name: "campaigns", schema: Self.schema)
        let error = #expect(throws: LookupError.self) {
            try table.load(
                from: ListSource(rows: [
                    [.text("c1"), .text("a"), .null, .integer(1_767_225_600_000_000), .null],
                    [.text("c1"), .text("b"), .null, .null, .integer(1_767_225_600_000_001)],
                ]))
        }
        #expect(error?.code == .validity)
        #expect(
            error?.message
                == "campaigns: two rows of the key 'c1' (k) hold at one time, found [-∞, 2026-01-01T00:00:00.000001Z) and "
                + "[2026-01-01T00:00:00Z, ∞); a row holds from its first moment until the moment before its last, and "
                + "null is without end")
    }

    @Test func aRowThatEndsBeforeItBeginsIsAnError() throws {
        let table = DimensionTable(name: "campaigns", schema: Self.schema)
        let error = #expect(throws: LookupError.self) {
            try table.load(from: ListSource(rows: [[.text("c1"), .null, .null, .integer(5), .integer(-5)]]))
        }
        #expect(
            error?.message
                == "campaigns: key 'c1': a row ends before it begins, found [1970-01-01T00:00:00.000005Z, "
                + "1969-12-31T23:59:59.999995Z); expected from ≤ to")
    }
}
