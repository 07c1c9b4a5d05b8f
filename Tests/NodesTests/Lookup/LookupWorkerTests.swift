import Dataflow
import Foundation
import Logging
import LookupSources
import Lookups
import Platform
import Synchronization
import Testing

@testable import Nodes

/// Records joined to rows: keys, types, nulls, misses, and moments.
@Suite struct LookupWorkerTests {
    private typealias Record = LookupStand.Record

    private static let cells = [
        DimensionField("name", .text), DimensionField("size", .integer), DimensionField("rate", .double),
        DimensionField("on", .boolean),
    ]

    private static func lookup(
        _ keys: [LookupPlan.Key], missing: LookupPlan.Missing = .null, validity: DimensionSchema.Validity? = nil,
        cells: [DimensionField] = Self.cells, _ source: any DimensionSource
    ) throws -> Lookup {
        let plan = LookupPlan(
            node: "named", origin: .file("rows.csv"), keys: keys,
            cells: cells.enumerated().map {
                LookupPlan.Cell(name: $1.name, column: LookupStand.firstAdded + $0, dimension: $1)
            },
            moments: validity == nil ? nil : 2, validity: validity, missing: missing,
            schedule: LookupSchedule(every: .seconds(60)))
        let store = RowStore(plan, MemoryAccountant(budget: 256 << 20)) { _ in source }
        _ = try store.load(accept: { _ in }, isCancelled: { false })
        let keeper = LookupKeeper(plan, store, nil, logger: Logger(label: "test"))
        return Lookup(plan: plan, store: store, keeper: keeper, hashedColumns: [], watch: nil)
    }

    private static let byText = [LookupPlan.Key(field: "k", column: 0, dimension: DimensionField("id", .text))]

    /// What each record that goes on has in its added columns, by row.
    private static func joined(_ lookup: Lookup, _ stand: LookupStand, rows: [UInt32]? = nil) -> [Int: [String]] {
        let worker = lookup.makeWorker(in: StageSlot())
        var found: [Int: [String]] = [:]
        func run(_ selection: RowSelection) {
            worker.process(stand.batch, selection) { rows in
                for index in 0..<rows.count {
                    found[rows[index]] = stand.shown(rows[index], lookup.plan.cells.count)
                }
            }
        }
        if let rows {
            unsafe rows.withUnsafeBufferPointer { unsafe run(RowSelection(rows: $0.baseAddress, count: $0.count)) }
        } else {
            run(stand.all)
        }
        return found
    }

    private static func file(_ text: String) throws -> CSVSource {
        let path = FileManager.default.temporaryDirectory.appending(path: "millrace-\(UUID().uuidString).csv").path
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        return CSVSource(path: path)
    }

    private static let table = """
        id,name,size,rate,on
        a,Alpha,1,0.5,true
        b,"Beta, long",2,,false
        c,,,,
        "","the empty one",4,4,true

        """

    private static let records = [
        Record(text: "a"), Record(text: "x"), Record(text: "b"), Record(text: nil), Record(text: "c"),
        Record(text: ""), Record(text: "a"),
    ]

    @Test func everyTypeIsJoinedAndMissesAreNull() throws {
        let lookup = try Self.lookup(Self.byText, Self.file(Self.table))
        let batch = LookupStand(Self.records, added: Self.cells.map { ColumnType($0.type) })
        let nothing = ["-", "-", "-", "-"]
        let expected = [
            0: ["Alpha", "1", "0.5", "true"], 1: nothing, 2: ["Beta, long", "2", "-", "false"], 3: nothing, 4: nothing,
            5: ["the empty one", "4", "4.0", "true"], 6: ["Alpha", "1", "0.5", "true"],
        ]
        #expect(Self.joined(lookup, batch) == expected)
        // Of the other rows of a selection nothing is known.
        let some = Self.joined(lookup, batch, rows: [1, 2, 6])
        #expect(some == expected.filter { [1, 2, 6].contains($0.key) })
        #expect(batch.shown(0, 1) == ["-"] && batch.shown(5, 2)[1] == "-")
    }

    @Test func recordsWithoutARowAreDroppedOrDead() throws {
        let drop = try Self.lookup(Self.byText, missing: .drop, Self.file(Self.table))
        let batch = LookupStand(Self.records, added: Self.cells.map { ColumnType($0.type) })
        // A row of nothing but nulls is a row.
        #expect(Self.joined(drop, batch).keys.sorted() == [0, 2, 4, 5, 6])
        let dead = try Self.lookup(Self.byText, missing: .deadLetter, Self.file(Self.table))
        let other = LookupStand(Self.records, added: Self.cells.map { ColumnType($0.type) })
        #expect(Self.joined(dead, other).keys.sorted() == [0, 2, 4, 5, 6])
        #expect(other.batch.deadLetters.map(\.offset) == [1, 3])
        #expect(
            other.batch.deadLetters.allSatisfy { $0.fault.reason == "rows.csv has no row for k" },
            "\(other.batch.deadLetters)")
    }

    @Test func severalFieldsMakeAKey() throws {
        let keys = Self.byText + [LookupPlan.Key(field: "n", column: 1, dimension: DimensionField("no", .integer))]
        let lookup = try Self.lookup(
            keys, cells: [DimensionField("name", .text)], Self.file("id,no,name\na,1,one\na,2,two\nb,1,three\n"))
        let batch = LookupStand(
            [
                Record(text: "a", number: 2), Record(text: "b", number: 2), Record(text: "b", number: 1),
                Record(text: "a"), Record(number: 1),
            ], added: [.text])
        #expect(Self.joined(lookup, batch) == [0: ["two"], 1: ["-"], 2: ["three"], 3: ["-"], 4: ["-"]])
    }

    /// A batch keeps the texts that it was given, whatever becomes of the table meanwhile.
    @Test func aRefreshDoesNotPullTextsAwayFromABatch() throws {
        let plan = try Self.lookup(Self.byText, cells: [DimensionField("name", .text)], Self.file(Self.table)).plan
        let sources = SourceList([
            try Self.file("id,name\n" + (0..<3_000).map { "k\($0),old \($0 % 7)\n" }.joined()),
            try Self.file("id,name\n" + (0..<3_000).map { "k\($0),new \($0 % 7) \($0)\n" }.joined()),
        ])
        let store = RowStore(plan, MemoryAccountant(budget: 256 << 20)) { _ in sources.next() }
        _ = try store.load(accept: { _ in }, isCancelled: { false })
        let lookup = Lookup(
            plan: plan, store: store, keeper: LookupKeeper(plan, store, nil, logger: Logger(label: "test")),
            hashedColumns: [], watch: nil)
        let batch = LookupStand((0..<1_000).map { Record(text: "k\($0)") }, added: [.text])
        #expect(Self.joined(lookup, batch)[999] == ["old \(999 % 7)"])
        _ = try store.load(accept: { _ in }, isCancelled: { false })
        for row in 0..<1_000 { #expect(batch.shown(row, 1) == ["old \(row % 7)"]) }
        let later = LookupStand((0..<1_000).map { Record(text: "k\($0)") }, added: [.text])
        #expect(Self.joined(lookup, later)[999] == ["new \(999 % 7) 999"])
    }

    /// 200 random dimensions whose rows change over time, asked in random order, in batches of random size: always what a
    /// plain search through the list of rows says.
    @Test(arguments: [UInt64](1...200))
    func asOfEventIsAFunctionOfEventAndTable(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var rows: [(key: String, name: String, from: Int64?, to: Int64?)] = []
        for key in 0..<Int.random(in: 1...40, using: &random) {
            // Rows of a key follow each other, with gaps or without, and may begin or end nowhere.
            var moment = Int64.random(in: -5_000...5_000, using: &random)
            let count = Int.random(in: 1...6, using: &random)
            for version in 0..<count {
                let from = version == 0 && Bool.random(using: &random) ? nil : moment
                moment += Int64.random(in: 1...900, using: &random)
                let to = version == count - 1 && Bool.random(using: &random) ? nil : moment
                rows.append(("k\(key)", "k\(key)v\(version)", from, to))
                if Int.random(in: 0..<3, using: &random) == 0 { moment += Int64.random(in: 1...300, using: &random) }
            }
        }
        rows.shuffle(using: &random)
        func time(_ moment: Int64?) -> String {
            guard let moment else { return "" }
            return Date(timeIntervalSince1970: Double(moment)).formatted(.iso8601)
        }
        let text =
            "id,name,since,until\n"
            + rows.map { "\($0.key),\($0.name),\(time($0.from)),\(time($0.to))\n" }.joined()
        let lookup = try Self.lookup(
            Self.byText, validity: DimensionSchema.Validity(from: "since", to: "until"),
            cells: [DimensionField("name", .text)], Self.file(text))
        var records = (0..<400).map { _ in
            Record(
                text: "k\(Int.random(in: 0..<42, using: &random))",
                at: Int64.random(in: -6_000...12_000, using: &random) * 1_000_000)
        }
        // The moments themselves, and those just before.
        for row in rows {
            for edge in [row.from, row.to].compactMap(\.self) {
                records.append(Record(text: row.key, at: edge * 1_000_000))
                records.append(Record(text: row.key, at: edge * 1_000_000 - 1))
            }
        }
        records.shuffle(using: &random)
        var first = 0
        while first < records.count {
            let part = Array(records[first..<min(records.count, first + Int.random(in: 1...150, using: &random))])
            let found = Self.joined(lookup, LookupStand(part, added: [.text]))
            for (row, record) in part.enumerated() {
                let right = rows.first { row in
                    row.key == record.text && row.from.map { $0 * 1_000_000 <= record.at } ?? true
                        && row.to.map { record.at < $0 * 1_000_000 } ?? true
                }
                #expect(found[row] == [right?.name ?? "-"], "seed \(seed), \(record)")
            }
            first += part.count
        }
    }
}

/// Sources, one for each load.
private final class SourceList: Sendable {
    private let left: Mutex<[CSVSource]>

    init(_ sources: [CSVSource]) { left = Mutex(sources) }

    func next() -> CSVSource { left.withLock { $0.removeFirst() } }
}
