import Dataflow
import Foundation
import LookupSources
import Lookups
import Testing
import ZlibTesting

@testable import Nodes

/// Rows of a lookup within the memory of its topology.
@Suite struct RowStoreTests {
    private struct Rows: DimensionSource {
        var count: Int

        func read(_ fields: [DimensionField], _ emit: (borrowing DimensionRow) throws -> Void) throws {
            var row = DimensionRow(count: fields.count)
            for number in 0..<count {
                row.clear()
                row.set(0, integer: Int64(number))
                row.set(1, text: "the name of number \(number)")
                try emit(row)
            }
        }
    }

    private static func store(_ memory: MemoryAccountant, rows: Int) -> RowStore {
        let plan = LookupPlan(
            node: "named", origin: .file("rows.csv"),
            keys: [LookupPlan.Key(field: "n", column: 1, dimension: DimensionField("n", .integer))],
            cells: [LookupPlan.Cell(name: "name", column: 3, dimension: DimensionField("name", .text))],
            missing: .null, schedule: LookupSchedule(every: .seconds(60)))
        return RowStore(plan, memory) { _ in Rows(count: rows) }
    }

    @Test func whatDoesNotFitIsSaidWithTheWayOut() {
        let memory = MemoryAccountant(budget: 64 << 20)
        memory.draw(30 << 20, for: .queues)
        let store = Self.store(memory, rows: 400_000)
        let error = #expect(throws: LookupError.self) {
            try store.load(accept: { _ in }, isCancelled: { false })
        }
        #expect(error?.code == .tooLarge)
        #expect(error?.message.contains("memory (64 MiB) has no room; raise memory") == true, "\(error)")
        #expect(memory.held(by: .kept) == 0)
    }

    /// A file that cannot be read to its end replaces nothing.
    @Test func aDamagedFileLeavesTheTableThatIsInUse() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("millrace-rows-\(UUID().uuidString)")
            .path
        defer { try? FileManager.default.removeItem(atPath: path) }
        func write(_ bytes: [UInt8]) throws { try Data(bytes).write(to: URL(fileURLWithPath: path)) }
        let plan = LookupPlan(
            node: "named", origin: .file(path),
            keys: [LookupPlan.Key(field: "n", column: 1, dimension: DimensionField("n", .integer))],
            cells: [LookupPlan.Cell(name: "name", column: 3, dimension: DimensionField("name", .text))],
            missing: .null, schedule: LookupSchedule(every: .seconds(60)))
        let store = RowStore(plan, MemoryAccountant(budget: 256 << 20)) { _ in try FileRows.source(of: path) }
        let packed = Gzip.member("n,name\n" + (0..<3_000).map { "\($0),a\n" }.joined())
        try write(packed)
        let first = try store.load(accept: { _ in }, isCancelled: { false })
        try write(Array(packed.dropLast(9)))
        var accepted = 0
        let error = #expect(throws: LookupError.self) {
            try store.load(accept: { _ in accepted += 1 }, isCancelled: { false })
        }
        #expect(error?.message.contains("\(path): its gzip data is cut short") == true && accepted == 0)
        try write(Gzip.member("n,name\n1,b\n"))
        let second = try store.load(accept: { _ in }, isCancelled: { false })
        #expect(second.rows == 1 && second.number == first.number + 1)
    }

    /// Tables remember the content by its name: packing it changes nothing.
    @Test func aPackedFileMeansWhatIsInIt() {
        #expect(LookupOrigin.file("/a/regions.csv.gz").meaning == LookupOrigin.file("regions.csv").meaning)
        #expect(LookupOrigin.file("regions.csv").meaning == "file regions.csv")
    }

    /// However little memory queues and batches leave, a small dimension finds room.
    @Test func aSmallDimensionFitsInTheLeastMemory() throws {
        let memory = MemoryAccountant(budget: Limits.memoryMin)
        memory.draw(38 << 20, for: .queues)
        let store = Self.store(memory, rows: 1_000)
        #expect(try store.load(accept: { _ in }, isCancelled: { false }).rows == 1_000)
        #expect(memory.held(by: .kept) > 0)
    }
}
