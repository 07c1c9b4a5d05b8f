import Lookups
import Platform
import Testing

/// A table against a dictionary.
@Suite struct DimensionTableTests {
    /// A key or cell of some type, from a few or from many values.
    private static func value(_ type: DimensionType, _ random: inout SeededRandom, choices: Int) -> DimensionCell {
        let number = random.below(choices)
        switch type {
        case .text:
            // Prefixes of one another, empty, with NUL, longer than a hash's block.
            return .text(
                random.pick(["", "a", "a\0", "ä", "campaign-with-a-long-name-"])
                    + String(repeating: "z", count: number % 40) + "\(number)")
        case .integer, .decimal, .timestamp:
            return .integer(
                random.chance(5)
                    ? random.pick(type == .timestamp ? [.min + 1, 0] : [.min, .max, 0, -1])
                    : Int64(number) * 0x1_0000_0001)
        case .double: return .double(random.pick([0, -0.0, .infinity, Double(number) / 7]))
        case .boolean: return .boolean(number % 2 == 0)
        }
    }

    private static let schemas = [
        DimensionSchema(keys: [DimensionField("k", .text)], cells: [DimensionField("a", .text)]),
        DimensionSchema(
            keys: [DimensionField("k", .integer)],
            cells: [DimensionField("a", .text), DimensionField("b", .double), DimensionField("c", .boolean)]),
        DimensionSchema(
            keys: [DimensionField("k", .text), DimensionField("l", .text)],
            cells: [DimensionField("a", .integer), DimensionField("b", .timestamp)]),
        DimensionSchema(
            keys: [DimensionField("k", .integer), DimensionField("l", .text), DimensionField("m", .boolean)],
            cells: [DimensionField("a", .decimal(scale: 2)), DimensionField("b", .text), DimensionField("c", .text)]),
        DimensionSchema(keys: [DimensionField("k", .text)], cells: []),
    ]

    @Test(arguments: [UInt64(1), 2, 3, 4, 5, 6])
    func aTableAnswersAsADictionaryDoes(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        for schema in Self.schemas {
            let table = DimensionTable(name: "dimension", schema: schema)
            #expect(table.snapshot() == nil)
            var model: [[DimensionCell]: [DimensionCell]] = [:]
            var last: Generation?
            for round in 0..<5 {
                Self.change(&model, schema, &random, round)
                let rows = model.map { $0 + $1 }.shuffled(using: &random)
                let generation = try table.load(from: ListSource(rows: rows))
                #expect(generation.rows == model.count, "seed \(seed)")
                #expect(
                    generation.number == (last.map { $0.digest == generation.digest ? $0.number : $0.number + 1 } ?? 1))
                last = generation
                let snapshot = try #require(table.snapshot())
                #expect(snapshot.generations == [generation])
                #expect(snapshot.rows == model.count)
                var keys = Array(model.keys)
                keys += (0..<50).map { _ in schema.keys.map { Self.value($0.type, &random, choices: 3_000) } }
                keys.append(schema.keys.map { _ in .null })
                keys.shuffle(using: &random)
                for (key, handle) in zip(keys, snapshot.find(keys)) {
                    guard let expected = model[key] else {
                        #expect(handle.isMissing, "key \(key), seed \(seed)")
                        continue
                    }
                    #expect(!handle.isMissing, "key \(key), seed \(seed)")
                    #expect(snapshot.cells(of: handle) == expected, "key \(key), seed \(seed)")
                }
            }
        }
    }

    /// Keys of one length, of several, and so long that those of a bucket have more than 64 KiB.
    @Test(arguments: [9...9, 4...40, 30_000...40_000])
    func keysAreFoundWhateverTheirLengths(lengths: ClosedRange<Int>) throws {
        func key(_ number: Int, end: String) -> [DimensionCell] {
            let length = lengths.lowerBound + number * 7 % lengths.count
            let start = "\(number)"
            return [.text(start + String(repeating: "-", count: length - start.utf8.count - 1) + end)]
        }
        for count in [0, 1, 7, 400, 900] {
            let table = DimensionTable(name: "dimension", schema: Self.schemas[0])
            try table.load(
                from: ListSource(rows: (0..<count).map { key($0, end: "x") + [.text("row \($0)")] }))
            let snapshot = try #require(table.snapshot())
            for (number, handle) in snapshot.find((0..<count).map { key($0, end: "x") }).enumerated() {
                #expect(snapshot.cells(of: handle) == [.text("row \(number)")], "key \(number) of \(count)")
            }
            let others = (0..<900).map { key($0, end: $0 < count ? "y" : "x") }
            #expect(!snapshot.find(others).contains { !$0.isMissing }, "\(count)")
        }
    }

    /// Adds, removes and replaces rows.
    private static func change(
        _ model: inout [[DimensionCell]: [DimensionCell]], _ schema: DimensionSchema, _ random: inout SeededRandom,
        _ round: Int
    ) {
        if round == 3 { return }
        if round == 4 { model.removeAll() }
        for key in model.keys where random.chance(20) { model[key] = nil }
        let repeats = random.pick([2, 20, 100_000])
        for _ in 0..<random.pick([0, 1, 10, 700]) {
            let key = schema.keys.map { value($0.type, &random, choices: 2_000) }
            model[key] = schema.cells.map { random.chance(10) ? .null : value($0.type, &random, choices: repeats) }
        }
    }

    @Test func theDigestDependsOnTheContentAlone() throws {
        let schema = Self.schemas[1]
        var rows: [[DimensionCell]] = (0..<1_000).map {
            [.integer(Int64($0)), .text("t\($0 % 7)"), .double(Double($0)), .boolean($0 % 3 == 0)]
        }
        func digest(_ rows: [[DimensionCell]], _ schema: DimensionSchema = schema) throws -> String {
            try DimensionTable(name: "d", schema: schema).load(from: ListSource(rows: rows)).digest
        }
        let first = try digest(rows)
        #expect(first.count == 32)
        #expect(try digest(rows.reversed()) == first)
        var renamed = schema.cells
        renamed[0].name = "other"
        #expect(try digest(rows, DimensionSchema(keys: schema.keys, cells: renamed)) != first)
        rows[500][1] = .text("t8")
        let changed = try digest(rows)
        #expect(changed != first)
        // Two rows that swap their cells.
        rows[500][1] = rows[501][1]
        rows[501][1] = .text("t\(500 % 7)")
        #expect(try digest(rows) != first)
        rows.removeLast()
        #expect(try digest(rows) != first)
    }

    @Test func aSnapshotKeepsWhatItShows() throws {
        let table = DimensionTable(name: "d", schema: Self.schemas[0])
        try table.load(from: ListSource(rows: (0..<5_000).map { [.text("k\($0)"), .text("old \($0 % 10)")] }))
        let old = try #require(table.snapshot())
        try table.load(from: ListSource(rows: (0..<5_000).map { [.text("k\($0)"), .text("new \($0)")] }))
        let new = try #require(table.snapshot())
        let keys: [[DimensionCell]] = (0..<5_000).map { [.text("k\($0)")] }
        for (number, handle) in old.find(keys).enumerated() {
            #expect(old.cell(0, of: handle) == .text("old \(number % 10)"))
        }
        for (number, handle) in new.find(keys).enumerated() {
            #expect(new.cell(0, of: handle) == .text("new \(number)"))
        }
        #expect(old.generations.map(\.number) == [1])
        #expect(new.generations.map(\.number) == [2])
    }

    @Test func keysAreShownAsTheyAreWritten() throws {
        let keys: [(DimensionType, DimensionCell, String)] = [
            (.decimal(scale: 2), .integer(150), "1.50"), (.decimal(scale: 2), .integer(-5), "-0.05"),
            (.decimal(scale: 0), .integer(7), "7"), (.boolean, .boolean(true), "true"),
            (.timestamp, .integer(1_500_000), "1970-01-01T00:00:01.500000Z"),
            (.integer, .integer(.min), "\(Int64.min)"),
        ]
        for (type, key, shown) in keys {
            let table = DimensionTable(
                name: "d", schema: DimensionSchema(keys: [DimensionField("k", type)], cells: []))
            let error = #expect(throws: LookupError.self) { try table.load(from: ListSource(rows: [[key], [key]])) }
            #expect(error?.message.contains("two rows have the key \(shown) (k)") == true, "\(error?.message ?? "")")
        }
    }

    @Test func twoRowsOfOneKeyAreAnErrorThatNamesIt() throws {
        let schema = DimensionSchema(
            keys: [DimensionField("campaign", .text), DimensionField("region", .integer)],
            cells: [DimensionField("a", .text)])
        let table = DimensionTable(name: "lookup named: table campaigns", schema: schema)
        let good: [[DimensionCell]] = (0..<1_000).map { [.text("c\($0)"), .integer(7), .text("x")] }
        let generation = try table.load(from: ListSource(rows: good))
        let error = #expect(throws: LookupError.self) {
            try table.load(from: ListSource(rows: good + [[.text("c77"), .integer(7), .text("y")]]))
        }
        #expect(error?.code == .duplicateKey)
        #expect(
            error?.message
                == "lookup named: table campaigns: two rows have the key 'c77', 7 (campaign, region), expected one row per "
                + "key; take one of them with a query (DISTINCT ON), or say which holds when with as_of, valid_from and "
                + "valid_to")
        #expect(table.generation == generation)
        let handle = try #require(table.snapshot()).find([[.text("c77"), .integer(7)]])[0]
        #expect(table.snapshot()?.cell(0, of: handle) == .text("x"))
    }

    @Test func rowsWithoutAKeyAreCounted() throws {
        let table = DimensionTable(name: "d", schema: Self.schemas[0])
        let generation = try table.load(
            from: ListSource(rows: [[.text("a"), .text("x")], [.null, .text("y")], [.null, .text("z")]]))
        #expect(generation.rows == 1)
        #expect(generation.rowsIgnored == 2)
        #expect(try #require(table.snapshot()).find([[.null]])[0].isMissing)
    }

    @Test func textsTooLongAreErrors() throws {
        let table = DimensionTable(name: "d", schema: Self.schemas[0])
        let long = String(repeating: "x", count: 65_536)
        let key = #expect(throws: LookupError.self) { try table.load(from: ListSource(rows: [[.text(long), .null]])) }
        #expect(key?.message == "d: column k: a text of 65536 bytes, expected at most 65535")
        let cell = #expect(throws: LookupError.self) {
            try table.load(from: ListSource(rows: [[.text("k"), .text(long)]]))
        }
        #expect(cell?.code == .tooLarge)
        #expect(table.snapshot() == nil)
        let longest = String(long.dropLast())
        try table.load(from: ListSource(rows: [[.text(longest), .text(longest)]]))
        let snapshot = try #require(table.snapshot())
        #expect(snapshot.find([[.text(long)]])[0].isMissing)
        #expect(snapshot.cell(0, of: snapshot.find([[.text(longest)]])[0]) == .text(longest))
    }

    @Test func aLoadThatIsGivenUpChangesNothing() throws {
        let table = DimensionTable(name: "d", schema: Self.schemas[0])
        let rows: [[DimensionCell]] = (0..<20_000).map { [.text("k\($0)"), .text("x")] }
        for after in [0, 1, 3] {
            var looks = 0
            let error = #expect(throws: LookupError.self) {
                let isCancelled = {
                    looks += 1
                    return looks > after
                }
                try table.load(from: ListSource(rows: rows), isCancelled: isCancelled)
            }
            #expect(error?.code == .cancelled)
            #expect(table.snapshot() == nil)
            #expect(table.memoryBytes < 4_096)
        }
    }

    @Test func aSpillFolderThatIsNotThereIsNamed() throws {
        let table = DimensionTable(name: "d", schema: Self.schemas[0], spillDirectory: "/nowhere")
        let rows: [[DimensionCell]] = (0..<100_000).map { [.text("key \($0)"), .text("value of \($0)")] }
        let error = #expect(throws: LookupError.self) { try table.load(from: ListSource(rows: rows)) }
        #expect(error?.code == .spill)
        #expect(
            error?.message
                == "d: a temporary file in /nowhere cannot be created: No such file or directory; set TMPDIR to a folder "
                + "with room for the dimension")
        // What is small needs no file.
        try table.load(from: ListSource(rows: Array(rows.prefix(100))))
    }
}
