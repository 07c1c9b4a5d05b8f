import Dataflow

/// What a function does: fills a column from columns.
struct Kernel: Sendable {
    let run: @Sendable (inout KernelCall) -> Void
    /// Whether it is worth remembering what it made of a text. Then it makes a null of an absent text.
    var isCostly = false
    /// Whether a null that it makes of values is a failure, to be counted; a search that finds nothing is none.
    var countsNulls = true

    init(_ run: @escaping @Sendable (inout KernelCall) -> Void) {
        self.run = run
    }

    /// The same kernel, computed once for a text that comes again.
    var costly: Kernel {
        var kernel = self
        kernel.isCostly = true
        return kernel
    }

    /// The same kernel, whose nulls are no failures.
    var searching: Kernel {
        var kernel = self
        kernel.countsNulls = false
        return kernel
    }
}

/// An argument by row number, of any representation: a column, or one value for all rows.
@safe struct ArgumentReader {
    let values: UnsafeRawPointer
    let valid: UnsafePointer<UInt8>
    /// What the slices of texts count from.
    let text: UnsafeRawPointer
    /// -1, or 0 where all rows share the first value.
    let mask: Int

    var isConstant: Bool { mask == 0 }

    @inline(__always)
    func isThere(_ row: Int) -> Bool { unsafe valid[row & mask] == 1 }

    @inline(__always)
    func slice(_ row: Int) -> TextSlice {
        unsafe values.load(fromByteOffset: (row & mask) &* 8, as: TextSlice.self)
    }
}

/// What a kernel takes from its arguments.
protocol KernelValue: SendableMetatype {
    static func load(_ reader: ArgumentReader, _ row: Int) -> Self
}

/// What a kernel puts into its result.
protocol KernelResult: SendableMetatype {
    associatedtype Stored: BitwiseCopyable
    var stored: Stored { get }
}

extension Int64: KernelValue, KernelResult {
    @inline(__always)
    static func load(_ reader: ArgumentReader, _ row: Int) -> Int64 {
        unsafe reader.values.load(fromByteOffset: (row & reader.mask) &* 8, as: Int64.self)
    }

    @inline(__always)
    var stored: Int64 { self }
}

extension Double: KernelValue, KernelResult {
    @inline(__always)
    static func load(_ reader: ArgumentReader, _ row: Int) -> Double {
        unsafe reader.values.load(fromByteOffset: (row & reader.mask) &* 8, as: Double.self)
    }

    @inline(__always)
    var stored: Double { self }
}

extension Bool: KernelValue, KernelResult {
    @inline(__always)
    static func load(_ reader: ArgumentReader, _ row: Int) -> Bool {
        unsafe reader.values.load(fromByteOffset: row & reader.mask, as: UInt8.self) == 1
    }

    @inline(__always)
    var stored: UInt8 { self ? 1 : 0 }
}

extension TextView: KernelValue {
    @inline(__always)
    static func load(_ reader: ArgumentReader, _ row: Int) -> TextView {
        let slice = reader.slice(row)
        return unsafe TextView(start: reader.text + Int(slice.offset), count: Int(slice.length))
    }
}

/// One run of a kernel: rows, arguments, and where the results go.
@safe struct KernelCall {
    let rows: RowSelection
    let arguments: [ArgumentReader]
    let values: UnsafeMutableRawPointer
    let valid: UnsafeMutablePointer<UInt8>
    var writer: TextWriter
    /// Whether the result's slices count from the first argument's bytes, not from the writer's.
    var sharesText = false
    /// Nulls made of values.
    var failures = 0
    /// The time zones that a column names.
    let zones: ZoneCache

    /// Fills the rows for which `isThere` with what `value` answers, nil being a failure.
    @inline(__always)
    mutating func fill<R: KernelResult>(_ isThere: (Int) -> Bool, _ value: (Int) -> R?) {
        let results = unsafe values.assumingMemoryBound(to: R.Stored.self)
        var lost = 0
        rows.forEach { row in
            guard isThere(row) else {
                unsafe valid[row] = 0
                return
            }
            if let result = value(row) {
                unsafe results[row] = result.stored
                unsafe valid[row] = 1
            } else {
                unsafe valid[row] = 0
                lost &+= 1
            }
        }
        failures += lost
    }

    /// As `fill`, for texts that `body` writes; false is a failure.
    @inline(__always)
    mutating func write(_ isThere: (Int) -> Bool, _ body: (Int, inout TextWriter) -> Bool) {
        let slices = unsafe values.assumingMemoryBound(to: TextSlice.self)
        var lost = 0
        rows.forEach { row in
            guard isThere(row) else {
                unsafe valid[row] = 0
                return
            }
            writer.begin()
            if body(row, &writer), let text = writer.end() {
                unsafe slices[row] = TextSlice(offset: UInt32(text.start), length: UInt32(text.count))
                unsafe valid[row] = 1
            } else {
                writer.drop()
                unsafe valid[row] = 0
                lost &+= 1
            }
        }
        failures += lost
    }

    /// As `fill`, for texts that are part of the first argument.
    @inline(__always)
    mutating func cut(_ isThere: (Int) -> Bool, _ range: (Int) -> Range<Int>?) {
        let slices = unsafe values.assumingMemoryBound(to: TextSlice.self)
        let first = arguments[0]
        var lost = 0
        sharesText = true
        rows.forEach { row in
            guard isThere(row) else {
                unsafe valid[row] = 0
                return
            }
            if let part = range(row) {
                unsafe slices[row] = TextSlice(
                    offset: first.slice(row).offset &+ UInt32(truncatingIfNeeded: part.lowerBound),
                    length: UInt32(truncatingIfNeeded: part.count))
                unsafe valid[row] = 1
            } else {
                unsafe valid[row] = 0
                lost &+= 1
            }
        }
        failures += lost
    }
}
