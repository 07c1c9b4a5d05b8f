/// Stored bytes: docs/formats/frequent-items.md has them byte by byte.
///
/// ```
///  EXACT      41 kind n entry{n}                           entry: length bytes count level
///  ESTIMATED  42 kind total floor n entry{n} counter{1280}  entry: length bytes (level - floor)
/// ```
/// Numbers are varints, counters zigzag varints. Canonical: entries ascend by their bytes, and equal multisets have equal
/// bytes.
extension FrequentItems {
    /// The high nibble of the first byte.
    static let version: UInt8 = 4

    /// Appends the stored form.
    public mutating func encode(into output: inout [UInt8]) {
        settle()
        output.append(Self.version << 4 | (isEstimated ? 2 : 1))
        output.append(kind.code)
        if isEstimated {
            output.appendVarint(UInt64(total))
            output.appendVarint(UInt64(floor))
        }
        output.appendVarint(UInt64(entries.count))
        for entry in entries {
            output.appendVarint(UInt64(entry.length))
            output.append(contentsOf: bytes[entry.start..<entry.start + entry.length])
            if !isEstimated { output.appendVarint(UInt64(entry.count)) }
            output.appendVarint(UInt64(entry.level - floor))
        }
        for counter in counters { output.appendVarint(zigzag: counter) }
    }

    /// Adds all values of a stored sketch.
    ///
    /// - Parameter encoded: bytes written by `encode(into:)`; read only, not kept.
    /// - Throws: `malformedBytes` or `unsupportedFormat` for anything no encoder writes, `parameterMismatch` for values of
    ///   another kind, `outOfRange` when the total leaves its range; what was added before the error is of no use.
    public mutating func merge(encoded: UnsafeRawBufferPointer) throws(SketchError) {
        var reader = unsafe FrequentItemsReader(encoded)
        let (form, found) = try reader.header()
        guard found == kind else {
            throw SketchError(
                .parameterMismatch, "frequent values: found values of \(found.name), expected \(kind.name)")
        }
        switch form {
        case .exact: try readExact(&reader)
        case .estimated: try readEstimated(&reader)
        }
        try reader.end()
    }

    private mutating func readExact(_ reader: inout FrequentItemsReader) throws(SketchError) {
        let number = try reader.entryCount()
        var isOrdered = ItemOrder()
        for _ in 0..<number {
            let item = try unsafe reader.item(kind, &isOrdered)
            let count = try reader.count()
            let level = try reader.level(from: 0)
            try unsafe add(item, count: count, level: level)
        }
    }

    private mutating func readEstimated(_ reader: inout FrequentItemsReader) throws(SketchError) {
        let total = try reader.count()
        let floor = try reader.level(from: 0)
        guard total > Int64(Self.capacity), floor > 0 else {
            throw reader.malformed("counts are estimated without need")
        }
        let number = try reader.entryCount()
        // The counters come last, and what is added needs them: they are read first.
        let start = reader.position
        var isOrdered = ItemOrder()
        for _ in 0..<number {
            _ = try unsafe reader.item(kind, &isOrdered)
            _ = try reader.level(from: floor)
        }
        let counters = try reader.counters(total: total)
        let end = reader.position
        try grow(by: total)
        absorb(counters: counters, floor: floor)
        reader.position = start
        isOrdered = ItemOrder()
        for _ in 0..<number {
            let item = try unsafe reader.item(kind, &isOrdered)
            unsafe insert(item, count: 0, level: try reader.level(from: floor))
        }
        reader.position = end
    }
}
