import Foundation
import Lookups
import Synchronization

/// Campaigns: a text key, an advertiser of 10,000, a time zone of 400.
struct Campaigns: DimensionSource {
    var rows: Int
    var changed = 0

    func read(_ fields: [DimensionField], _ emit: (borrowing DimensionRow) throws -> Void) throws {
        var row = DimensionRow(count: fields.count)
        for number in 0..<rows {
            row.clear()
            row.set(0, text: "campaign-\(number)")
            row.set(1, text: number < changed ? "renamed \(number % 10_000)" : "advertiser \(number % 10_000)")
            row.set(2, text: "Europe/City \(number % 400)")
            try emit(row)
        }
    }
}

func tableBenchmark(rows: Int) throws {
    let schema = DimensionSchema(
        keys: [DimensionField("campaign", .text)],
        cells: [DimensionField("advertiser", .text), DimensionField("tz", .text)])
    let before = Usage.anonymous
    let table = DimensionTable(name: "campaigns", schema: schema)
    var start = Usage.cpu
    try table.load(from: Campaigns(rows: rows))
    show("load", (Usage.cpu - start) * 1e9 / Double(rows), "ns/row")
    let loaded = table.memoryBytes
    let keyBytes = (0..<rows).reduce(0) { $0 + 9 + String($1).utf8.count }
    show("table", Double(loaded) / 1_048_576, "MiB")
    show("anonymous memory", Usage.anonymous - before, "MiB")
    show("beside keys and cells", Double(loaded - keyBytes - 8 * rows) / Double(rows), "bytes/row", digits: 2)

    try find(table, rows)

    let peak = Atomic(0)
    let isDone = Atomic(false)
    // The system's own view of the peak.
    let watch = Thread {
        while !isDone.load(ordering: .relaxed) {
            peak.max(Int(Usage.anonymous * 1024), ordering: .relaxed)
            usleep(5_000)
        }
    }
    let held = Usage.anonymous
    watch.start()
    start = Usage.cpu
    try table.load(from: Campaigns(rows: rows, changed: rows / 2))
    show("refresh, half of the rows changed", (Usage.cpu - start) * 1e9 / Double(rows), "ns/row")
    isDone.store(true, ordering: .relaxed)
    show("peak of the refresh, counted", Double(table.memoryBytesPeak) / Double(loaded), "times the table", digits: 3)
    show(
        "peak of the refresh, anonymous memory",
        (Double(peak.load(ordering: .relaxed)) / 1024 - before) / (held - before), "times", digits: 3)
    start = Usage.cpu
    try table.load(from: Campaigns(rows: rows, changed: rows / 2))
    show("refresh, nothing changed", (Usage.cpu - start) * 1e9 / Double(rows), "ns/row")
}

/// Looks up every key once, in random order, in batches of 4,096, and reads both cells.
private func find(_ table: DimensionTable, _ rows: Int) throws {
    let batch = 4_096
    var random = SystemRandomNumberGenerator()
    let batches = 300
    var keys: [[UInt8]] = []
    var slices: [[UInt32]] = []
    for _ in 0..<batches {
        var bytes: [UInt8] = []
        var places: [UInt32] = []
        for _ in 0..<batch {
            let key = "campaign-\(Int.random(in: 0..<rows, using: &random))"
            places += [UInt32(bytes.count), UInt32(key.utf8.count)]
            bytes += Array(key.utf8)
        }
        keys.append(bytes)
        slices.append(places)
    }
    var handles = [RowHandle](repeating: .missing, count: batch)
    var texts = [UInt32](repeating: 0, count: 2 * batch)
    var valid = [UInt8](repeating: 0, count: batch)
    var missing = 0
    var findTime = 0.0
    var cellTime = 0.0
    for number in 0..<batches {
        let snapshot = table.snapshot()!
        var start = Usage.cpu
        keys[number].withUnsafeBytes { bytes in
            slices[number].withUnsafeBytes { places in
                snapshot.find(
                    [KeyColumn(.slices(base: bytes.baseAddress!, places.baseAddress!))], count: batch, into: &handles)
            }
        }
        findTime += Usage.cpu - start
        start = Usage.cpu
        for column in 0..<2 {
            texts.withUnsafeMutableBytes { texts in
                _ = snapshot.slices(
                    column, of: handles, count: batch, into: texts.baseAddress!, valid: &valid
                ) { UnsafeMutableRawPointer.allocate(byteCount: $0, alignment: 1) }
            }
        }
        cellTime += Usage.cpu - start
        missing += handles.count { $0.isMissing }
    }
    precondition(missing == 0, "every key is there")
    show("find", findTime * 1e9 / Double(batches * batch), "ns/key")
    show("a text cell", cellTime * 1e9 / Double(batches * batch * 2), "ns")
}
