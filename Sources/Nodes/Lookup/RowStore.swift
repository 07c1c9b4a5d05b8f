import Dataflow
import Lookups

/// A dimension of rows with keys, in memory.
final class RowStore: LookupStore {
    private let table: DimensionTable
    private let plan: LookupPlan
    private let memory: MemoryAccountant
    private let makeSource: @Sendable (_ isCancelled: @escaping @Sendable () -> Bool) throws -> any DimensionSource

    /// - Parameter makeSource: makes what the rows are read from, for every load.
    init(
        _ plan: LookupPlan, _ memory: MemoryAccountant,
        makeSource: @escaping @Sendable (_ isCancelled: @escaping @Sendable () -> Bool) throws -> any DimensionSource
    ) {
        self.plan = plan
        self.memory = memory
        self.makeSource = makeSource
        table = DimensionTable(name: "node \(plan.node)", schema: plan.schema) { [memory] change in
            memory.draw(change, for: .kept)
        }
    }

    func load(
        accept: (Generation) throws -> Void, isCancelled: @escaping @Sendable () -> Bool
    ) throws -> Generation {
        let source = try makeSource(isCancelled)
        // What was held then: when the load has ended, it is given back.
        var heldAtEnd: Int?
        do {
            return try table.load(from: source, accept: accept) {
                if Self.lacksRoom(memory) { heldAtEnd = memory.held(by: .kept) }
                return heldAtEnd != nil || isCancelled()
            }
        } catch let error as LookupError where error.code == .cancelled {
            guard let heldAtEnd else { throw error }
            throw LookupError(
                .tooLarge,
                "node \(plan.node): the rows of \(plan.origin.name) take more than \(heldAtEnd >> 20) MiB, for which memory "
                    + "(\(memory.budget >> 20) MiB) has no room; raise memory, or add fewer fields or rows")
        }
    }

    /// What is left for everything else must be enough to work with; an eighth of the budget is granted in any case.
    static func lacksRoom(_ memory: MemoryAccountant) -> Bool {
        let fixed = [MemoryAccountant.Part.program, .queues, .batches].reduce(0) { $0 + memory.held(by: $1) }
        return memory.held(by: .kept) > max(memory.budget / 8, memory.budget - fixed - LookupLimits.roomLeft)
    }

    func makeReader() -> any LookupRows { DimensionRows(table, plan) }
}

/// Bounds of the `lookup` node.
enum LookupLimits {
    /// Bytes of the budget that rows leave to groups and all that is made of them.
    static let roomLeft = 16 << 20
    /// The first and the longest pause between two tries of a load that failed.
    static let pauseFirst = Duration.seconds(1)
    static let pauseLongest = Duration.seconds(30)
    /// How long a load may take before it is said that it is waited for.
    static let quietLoad = Duration.seconds(10)
    /// How often somebody who listens looks whether he is to stop.
    static let listenSlice = Duration.milliseconds(200)
    /// How long connecting and subscribing may take.
    static let connectTimeout = Duration.seconds(10)
    /// Records of networks that a worker remembers.
    static let entriesRemembered = 65_536
}

/// One worker's view of a table.
@safe private final class DimensionRows: LookupRows {
    private let table: DimensionTable
    private let plan: LookupPlan
    private var handles = UnsafeMutablePointer<RowHandle>.allocate(capacity: 1)
    private var capacity = 1
    private(set) var missed = 0

    init(_ table: DimensionTable, _ plan: LookupPlan) {
        self.table = table
        self.plan = plan
    }

    deinit { unsafe handles.deallocate() }

    func isMissing(_ index: Int) -> Bool { unsafe handles[index].isMissing }

    func look(_ batch: Batch, _ rows: RowSelection) -> [Generation] {
        guard let snapshot = table.snapshot() else {
            preconditionFailure("a lookup was asked before its dimension was loaded")
        }
        if rows.count > capacity {
            unsafe handles.deallocate()
            capacity = rows.count + rows.count / 4
            unsafe handles = .allocate(capacity: capacity)
        }
        let keys = plan.keys.map { Self.key(batch.columns[$0.column]) }
        let hashes = unsafe plan.neededHashes.first.map { unsafe batch.hashes(ofColumn: $0) }
        let moments = unsafe plan.moments.map { unsafe UnsafePointer(batch.columns[$0].integers) }
        unsafe snapshot.find(
            keys, hashes: hashes, rows: rows.rows, count: rows.count, at: moments, into: handles)
        missed = 0
        for index in 0..<rows.count where unsafe handles[index].isMissing { missed += 1 }
        let keeper = SnapshotKeeper(snapshot)
        for (index, cell) in plan.cells.enumerated() { fill(cell, index, batch, rows, keeper) }
        return snapshot.generations
    }

    private static func key(_ column: Column) -> KeyColumn {
        let valid = unsafe UnsafePointer(column.valid)
        switch column.type {
        case .text: return unsafe KeyColumn(.slices(base: column.base, UnsafeRawPointer(column.slices)), valid: valid)
        case .boolean: return unsafe KeyColumn(.booleans(UnsafePointer(column.booleans)), valid: valid)
        case .integer, .decimal, .timestamp, .double:
            return unsafe KeyColumn(.integers(UnsafePointer(column.integers)), valid: valid)
        }
    }

    private func fill(
        _ cell: LookupPlan.Cell, _ index: Int, _ batch: Batch, _ rows: RowSelection, _ keeper: SnapshotKeeper
    ) {
        let (snapshot, handles, count) = unsafe (keeper.snapshot, handles, rows.count)
        unsafe batch.writeColumn(cell.column, rows) { column, room in
            let places = unsafe rows.rows
            switch column.type {
            case .text:
                let base = unsafe snapshot.slices(
                    index, of: handles, rows: places, count: count, into: UnsafeMutableRawPointer(column.slices),
                    valid: column.valid, room: room)
                return unsafe (base, keeper)
            case .boolean:
                unsafe snapshot.booleans(
                    index, of: handles, rows: places, count: count, into: column.booleans, valid: column.valid)
            case .double:
                unsafe snapshot.doubles(
                    index, of: handles, rows: places, count: count, into: column.doubles, valid: column.valid)
            case .integer, .decimal, .timestamp:
                unsafe snapshot.integers(
                    index, of: handles, rows: places, count: count, into: column.integers, valid: column.valid)
            }
            return (nil, nil)
        }
    }
}

/// Keeps the texts of a snapshot as long as a batch needs them.
private final class SnapshotKeeper {
    let snapshot: DimensionSnapshot

    init(_ snapshot: DimensionSnapshot) { self.snapshot = snapshot }
}
