import Dataflow
import Lookups
import MaxMind
import Sketches
import Synchronization

/// A MaxMind database: addresses lead to records of networks.
final class NetworkStore: LookupStore {
    private let path: String
    private let plan: LookupPlan
    private let content = Mutex<Content?>(nil)

    struct Content {
        var database: MaxMindDatabase
        var generation: Generation
    }

    init(_ plan: LookupPlan, path: String) {
        self.plan = plan
        self.path = path
    }

    /// The file as it was opened last.
    var current: Content {
        guard let content = content.withLock({ $0 }) else {
            preconditionFailure("a lookup was asked before its database was opened")
        }
        return content
    }

    func load(
        accept: (Generation) throws -> Void, isCancelled: @escaping @Sendable () -> Bool
    ) throws -> Generation {
        let database = try MaxMindDatabase(path: path)
        let digest = String(unsafe MurmurHash3.hash(database.contents), radix: 16) + "-\(database.buildTime)"
        let before = content.withLock { $0?.generation }
        let number = before.map { $0.digest == digest ? $0.number : $0.number + 1 } ?? 1
        let generation = Generation(number: number, digest: digest, rows: database.nodeCount)
        if before?.digest != digest { try accept(generation) }
        content.withLock { $0 = Content(database: database, generation: generation) }
        return generation
    }

    func makeReader() -> any LookupRows { NetworkRows(self, plan) }
}

/// One worker's view of a database of networks.
@safe private final class NetworkRows: LookupRows {
    private let store: NetworkStore
    private let plan: LookupPlan
    private let paths: [MaxMindPath]
    private var database: MaxMindDatabase?
    /// What the records say that were met, since many addresses lead to one.
    private var known: [MaxMindEntry: [MaxMindValue?]] = [:]
    /// For each row of the selection, its record's values; nil when there is none.
    private var found: [[MaxMindValue?]?] = []

    init(_ store: NetworkStore, _ plan: LookupPlan) {
        self.store = store
        self.plan = plan
        paths = plan.cells.map { MaxMindPath($0.dimension.name) }
    }

    var missed: Int { found.count { $0 == nil } }

    func isMissing(_ index: Int) -> Bool { found[index] == nil }

    func look(_ batch: Batch, _ rows: RowSelection) -> [Generation] {
        let content = store.current
        if content.database !== database || known.count > LookupLimits.entriesRemembered {
            known.removeAll(keepingCapacity: true)
            database = content.database
        }
        let column = batch.columns[plan.keys[0].column]
        found.removeAll(keepingCapacity: true)
        for index in 0..<rows.count {
            let row = rows[index]
            guard unsafe column.valid[row] != 0 else {
                found.append(nil)
                continue
            }
            let slice = unsafe column.slices[row]
            let text = unsafe UnsafeRawBufferPointer(
                start: column.base + Int(slice.offset), count: Int(slice.length))
            if case .found(let entry) = unsafe content.database.find(text) {
                found.append(values(of: entry, content.database))
            } else {
                found.append(nil)
            }
        }
        for (index, cell) in plan.cells.enumerated() { fill(cell, index, batch, rows) }
        return [content.generation]
    }

    private func values(of entry: MaxMindEntry, _ database: MaxMindDatabase) -> [MaxMindValue?] {
        if let values = known[entry] { return values }
        let values = zip(paths, plan.cells).map { path, cell in
            database.value(path, of: entry).flatMap { $0.isReadable(as: cell.dimension.type) ? $0 : nil }
        }
        known[entry] = values
        return values
    }

    private func fill(_ cell: LookupPlan.Cell, _ index: Int, _ batch: Batch, _ rows: RowSelection) {
        unsafe batch.writeColumn(cell.column, rows) { column, room in
            var bytes = 0
            for place in 0..<rows.count {
                if case .text(let text)? = found[place]?[index] { bytes += text.utf8.count }
            }
            let base = column.type == .text ? unsafe room(bytes) : nil
            var end = 0
            for place in 0..<rows.count {
                let row = rows[place]
                let value = found[place]?[index]
                unsafe column.valid[row] = value == nil ? 0 : 1
                switch value {
                case .text(let text):
                    unsafe column.slices[row] = TextSlice(offset: UInt32(end), length: UInt32(text.utf8.count))
                    var text = text
                    text.withUTF8 { utf8 in
                        guard let start = utf8.baseAddress, let base = unsafe base else { return }
                        unsafe (base + end).copyMemory(from: start, byteCount: utf8.count)
                    }
                    end += text.utf8.count
                case .integer(let number) where column.type == .double: unsafe column.doubles[row] = Double(number)
                case .integer(let number): unsafe column.integers[row] = number
                case .double(let number): unsafe column.doubles[row] = number
                case .boolean(let truth): unsafe column.booleans[row] = truth ? 1 : 0
                case nil: break
                }
            }
            return (UnsafeRawPointer(base), nil)
        }
    }
}

extension MaxMindValue {
    /// Whether a field of a type can hold it.
    fileprivate func isReadable(as type: DimensionType) -> Bool {
        switch (self, type) {
        case (.text, .text), (.integer, .integer), (.integer, .double), (.double, .double), (.boolean, .boolean): true
        default: false
        }
    }
}
