import JSON
import Lookups
import Platform

/// Some lines of a file in memory, and the columns that they are parsed into.
@safe final class JSONBlock {
    private(set) var bytes: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    private let lines: UnsafeMutableBufferPointer<DocumentRange>
    private let columns: [ColumnPointers]
    private let status: UnsafeMutablePointer<UInt8>
    private let fieldCount: Int
    /// What follows on the lines at hand, where the parser writes.
    private var rest: [UInt8] = []

    init(fields: [FieldDeclaration], linesMax: Int) {
        capacity = DocumentParser.capacity(forLength: 1)
        fieldCount = fields.count
        unsafe bytes = .allocate(capacity: capacity)
        unsafe lines = .allocate(capacity: linesMax)
        unsafe status = .allocate(capacity: linesMax)
        unsafe columns = fields.map { _ in
            unsafe ColumnPointers(
                values: .allocate(byteCount: linesMax * 8, alignment: 8), valid: .allocate(capacity: linesMax))
        }
    }

    deinit {
        unsafe bytes.deallocate()
        unsafe lines.deallocate()
        unsafe status.deallocate()
        for index in 0..<fieldCount {
            unsafe columns[index].values.deallocate()
            unsafe columns[index].valid.deallocate()
        }
    }

    /// Makes room for `length` bytes, keeping what is there.
    func makeRoom(_ length: Int) {
        let needed = DocumentParser.capacity(forLength: length)
        guard needed > capacity else { return }
        let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: needed)
        unsafe larger.update(from: bytes, count: capacity)
        unsafe bytes.deallocate()
        unsafe bytes = larger
        capacity = needed
    }

    /// Makes white space of a byte order mark in front of `length` bytes, which begin a file.
    func passMark(_ length: Int) {
        guard unsafe ByteOrderMark.begins(UnsafeBufferPointer(start: bytes, count: length)) else { return }
        unsafe bytes.update(repeating: UInt8(ascii: " "), count: ByteOrderMark.length)
    }

    /// Finds the lines in the first `length` bytes.
    func split(_ length: Int, isFinal: Bool) -> SplitLines {
        unsafe splitLines(UnsafeBufferPointer(start: bytes, count: length), isFinal: isFinal, into: lines)
    }

    /// Parses the lines that were found in `length` bytes, and puts aside what follows on them.
    func parse(_ split: SplitLines, of length: Int, _ parser: inout DocumentParser) {
        rest.removeAll(keepingCapacity: true)
        unsafe rest.append(
            contentsOf: UnsafeBufferPointer(start: bytes + split.consumed, count: length - split.consumed))
        _ = unsafe columns.withUnsafeBufferPointer { columns in
            unsafe parser.parse(
                buffer: bytes, length: split.consumed, capacity: capacity,
                documents: UnsafeBufferPointer(rebasing: lines[..<split.count]), columns: columns, status: status)
        }
    }

    /// Whether a line is no document.
    func isBad(_ line: Int) -> Bool { unsafe status[line] != 0 }

    /// Line ends before a line.
    func lineEnds(before line: Int) -> Int { lineEnds(upTo: unsafe Int(lines[line].offset)) }

    /// Line ends in the first bytes.
    func lineEnds(upTo end: Int) -> Int {
        var count = 0
        for index in 0..<end where unsafe bytes[index] == UInt8(ascii: "\n") { count += 1 }
        return count
    }

    /// Sets a field of a row to the value of a line.
    func set(_ row: inout DimensionRow, _ field: Int, _ type: DimensionType, _ line: Int) {
        let column = unsafe columns[field]
        guard unsafe column.valid[line] == 1 else { return }
        switch type {
        case .text:
            let slice = unsafe column.values.assumingMemoryBound(to: TextSlice.self)[line]
            unsafe row.set(
                field, text: UnsafeRawBufferPointer(start: bytes + Int(slice.offset), count: Int(slice.length)))
        case .double: unsafe row.set(field, double: column.values.assumingMemoryBound(to: Double.self)[line])
        case .boolean:
            unsafe row.set(field, integer: Int64(column.values.assumingMemoryBound(to: UInt8.self)[line]))
        default: unsafe row.set(field, integer: column.values.assumingMemoryBound(to: Int64.self)[line])
        }
    }

    /// Begins with what was put aside, and says how much that is.
    func takeRest() -> Int {
        unsafe rest.withUnsafeBufferPointer { rest in
            if let start = rest.baseAddress { unsafe bytes.update(from: start, count: rest.count) }
        }
        return rest.count
    }
}
