import Dataflow
import JSON

/// The watching side of one worker: what it has not seen itself yet. Costs nothing once everything was seen.
struct FieldLookout {
    /// 1980-01-01T00:00:00Z in microseconds since 1970.
    private static let year1980: Int64 = 315_532_800_000_000

    private let watch: FieldWatch
    private var absent: [Int]
    private var early: [Int]
    private var said: [Concessions]
    /// Whether there is anything to `note`.
    let countsConcessions: Bool

    init(_ watch: FieldWatch) {
        self.watch = watch
        absent = Array(watch.fields.indices)
        early = watch.fields.indices.filter {
            if case .timestamp = watch.fields[$0].declaration.type { true } else { false }
        }
        said = watch.fields.map { _ in Concessions(nulls: 0, cuts: 0, error: nil, found: .nothing) }
        countsConcessions = watch.countsConcessions
    }

    /// Notes what the worker has conceded so far, by field.
    mutating func note(_ counts: [Concessions]) {
        var fresh: [(field: Int, Concessions)] = []
        for (field, count) in counts.enumerated() where count.nulls > said[field].nulls || count.cuts > said[field].cuts
        {
            var more = count
            more.nulls -= said[field].nulls
            more.cuts -= said[field].cuts
            fresh.append((field, more))
            said[field] = count
        }
        if !fresh.isEmpty { watch.concede(fresh) }
    }

    /// Looks at a parsed batch.
    /// - Parameter source: where a row's document is.
    mutating func look(at batch: Batch, good: Int, source: (Int) -> DocumentRange) {
        guard good > 0, !(absent.isEmpty && early.isEmpty) else { return }
        absent.removeAll { Self.hasValue(batch.columns[$0], batch.rowCount) }
        early.removeAll { Self.hasLateInstant(batch.columns[$0], batch.rowCount) }
        var row = 0
        unsafe watch.note(records: good, absent: absent, early: early) { _ in
            while row < batch.rowCount, unsafe batch.status[row] != 0 { row += 1 }
            guard row < batch.rowCount else { return nil }
            defer { row += 1 }
            let place = source(row)
            return unsafe UnsafeRawBufferPointer(start: batch.base + Int(place.offset), count: Int(place.length))
        }
    }

    private static func hasValue(_ column: Column, _ count: Int) -> Bool {
        unsafe UnsafeRawBufferPointer(start: column.valid, count: count).contains(1)
    }

    private static func hasLateInstant(_ column: Column, _ count: Int) -> Bool {
        for row in 0..<count where unsafe column.valid[row] != 0 && column.integers[row] >= year1980 { return true }
        return false
    }
}
