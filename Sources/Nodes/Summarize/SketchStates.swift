import Dataflow
import Sketches

/// `uniques`: one HyperLogLog per group, and how many values it has seen: an estimate is never above that.
final class UniquesState: MetricState {
    private let column: Int
    private(set) var table: DistinctCountTable
    private let counts = ValueCounts()

    init(column: Int, preset: MetricPlan.HLLPreset) {
        self.column = column
        table = DistinctCountTable(parameters: preset.parameters)
    }

    func grow(to groups: Int) {
        table.grow(to: groups)
        counts.grow(to: groups)
    }

    func update(_ batch: Batch, _ rows: RowSelection, _ groups: UnsafePointer<UInt32>) {
        let hashes = unsafe batch.hashes(ofColumn: column)
        unsafe table.insert(
            hashes: hashes, valid: batch.columns[column].valid, rows: rows.rows, groups: groups, count: rows.count)
        unsafe counts.add(valid: batch.columns[column].valid, rows, groups)
    }

    func absorb(_ other: any MetricState, _ map: UnsafePointer<UInt32>) {
        guard let other = other as? UniquesState else { preconditionFailure("merged with another metric") }
        unsafe table.merge(other.table, groupMap: map)
        unsafe counts.absorb(other.counts, map)
    }

    var memoryBytes: Int { table.memoryBytes + counts.memoryBytes }

    /// How many values a group has seen.
    func valueCount(ofGroup group: Int) -> Int64 { counts.count(ofGroup: group) }

    /// What people read: the estimate as a whole number, never above the number of values.
    /// - Parameter values: how many values the sketch has seen, nil when nobody knows.
    static func shown(_ estimate: Double, values: Int64?) -> Int64 {
        let rounded = Int64(exactly: estimate.rounded()) ?? .max
        return values.map { min(rounded, $0) } ?? rounded
    }

    /// Adds a group's sketch to an accumulator.
    func load(group: Int, into sketch: inout HyperLogLog) { table.load(group: group, into: &sketch) }
}

/// `percentiles`: one exponential histogram per group.
final class PercentilesState: MetricState {
    private let column: Int
    private let isDouble: Bool
    private(set) var table: QuantileTable

    init(column: Int, type: ColumnType) {
        self.column = column
        isDouble = type == .double
        table = QuantileTable(valueKind: QuantileValueKind(type))
    }

    func grow(to groups: Int) { table.grow(to: groups) }

    func update(_ batch: Batch, _ rows: RowSelection, _ groups: UnsafePointer<UInt32>) {
        let input = batch.columns[column]
        if isDouble {
            unsafe table.insert(
                doubles: input.doubles, valid: input.valid, rows: rows.rows, groups: groups, count: rows.count)
        } else {
            unsafe table.insert(
                integers: input.integers, valid: input.valid, rows: rows.rows, groups: groups, count: rows.count)
        }
    }

    func absorb(_ other: any MetricState, _ map: UnsafePointer<UInt32>) {
        guard let other = other as? PercentilesState else { preconditionFailure("merged with another metric") }
        unsafe table.merge(other.table, groupMap: map)
    }

    var memoryBytes: Int { table.memoryBytes }

    /// Adds a group's histogram to an accumulator.
    func load(group: Int, into histogram: inout ExponentialHistogram) throws(SketchError) {
        try table.load(group: group, into: &histogram)
    }
}

extension MetricPlan.HLLPreset {
    /// The sketch parameters behind the preset.
    var parameters: HyperLogLogParameters {
        switch self {
        case .standard: .standard
        case .compact: .compact
        case .precise: .precise
        }
    }
}

extension QuantileValueKind {
    /// How values of a column are kept.
    init(_ type: ColumnType) {
        switch type {
        case .decimal(let scale): self = .decimal(scale: scale)
        case .double: self = .double
        default: self = .integer
        }
    }
}

extension Batch {
    /// The MurmurHash3 of every row of a column: text by its bytes, everything else as a 64-bit integer.
    func hashes(ofColumn index: Int) -> UnsafeMutablePointer<UInt64> {
        unsafe hashes(ofColumn: index) { column, hashes in
            switch column.type {
            case .text:
                // The parser leaves the slices of absent values and of dead letters as they were: anywhere.
                for row in 0..<rowCount {
                    if unsafe column.valid[row] == 0 { unsafe column.slices[row] = TextSlice(offset: 0, length: 0) }
                }
                unsafe MurmurHash3.hashText(
                    base: base, slices: UnsafeRawPointer(column.slices), count: rowCount, into: hashes)
            case .boolean:
                for row in 0..<rowCount { unsafe hashes[row] = MurmurHash3.hash(Int64(column.booleans[row])) }
            case .double:
                // Equal doubles must hash alike: -0 is 0.
                for row in 0..<rowCount {
                    let value = unsafe column.doubles[row]
                    unsafe hashes[row] = MurmurHash3.hash(Int64(bitPattern: (value == 0 ? 0 : value).bitPattern))
                }
            case .integer, .decimal, .timestamp:
                unsafe MurmurHash3.hashIntegers(column.integers, count: rowCount, into: hashes)
            }
        }
    }
}
