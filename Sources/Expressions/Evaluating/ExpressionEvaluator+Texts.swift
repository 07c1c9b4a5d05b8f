import Dataflow

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Whether two runs of `count` bytes are equal.
@inline(__always)
func equalBytes(_ a: UnsafeRawPointer, _ b: UnsafeRawPointer, _ count: Int) -> Bool {
    unsafe memcmp(a, b, count) == 0
}

extension TextView {
    @inline(__always)
    static func == (a: TextView, b: TextView) -> Bool {
        unsafe a.count == b.count && equalBytes(a.start, b.start, a.count)
    }

    /// Before, same or after, by bytes: -1, 0 or 1.
    @inline(__always)
    static func order(_ a: TextView, _ b: TextView) -> Int {
        let first = unsafe Int(memcmp(a.start, b.start, min(a.count, b.count)))
        return first != 0 ? first.signum() : (a.count - b.count).signum()
    }

    @inline(__always)
    func hasPrefix(_ other: TextView) -> Bool {
        unsafe count >= other.count && equalBytes(start, other.start, other.count)
    }

    @inline(__always)
    func hasSuffix(_ other: TextView) -> Bool {
        unsafe count >= other.count && equalBytes(start + (count - other.count), other.start, other.count)
    }

    @inline(__always)
    func contains(_ other: TextView) -> Bool {
        guard other.count > 0 else { return true }
        guard count >= other.count else { return false }
        var next = unsafe start
        let end = unsafe start + (count - other.count + 1)
        let first = Int32(unsafe other.bytes[0])
        while unsafe next < end, let found = unsafe memchr(next, first, end - next) {
            if unsafe equalBytes(UnsafeRawPointer(found), other.start, other.count) { return true }
            unsafe next = UnsafeRawPointer(found) + 1
        }
        return false
    }

    /// Unicode code points: the bytes that do not continue one.
    var codePoints: Int64 {
        var count: Int64 = 0
        for index in 0..<self.count where unsafe bytes[index] & 0xC0 != 0x80 { count += 1 }
        return count
    }

    /// The bytes from the code point at `first`, counted from 0, up to and without the one at `last`.
    func codePoints(from first: Int64, to last: Int64) -> Range<Int> {
        var point: Int64 = -1
        var from = count
        var to = count
        for index in 0..<count where unsafe bytes[index] & 0xC0 != 0x80 {
            point += 1
            if point == first { from = index }
            if point >= last {
                to = index
                break
            }
        }
        return min(from, to)..<to
    }
}

extension ExpressionEvaluator {
    /// The texts of a plan.
    func texts(_ plan: TextPlan, _ rows: RowSelection, _ frame: Frame) -> TextVector {
        switch plan {
        case .constant(let index): return .constant(constantText(index))
        case .column(let column):
            return unsafe .column(
                TextColumn(base: frame[column].base, cells: Cells(frame[column]), scratch: nil, bytes: nil))
        case .lower(let operand):
            return changeCase(texts(operand, rows, frame), of: UInt8(ascii: "A")...UInt8(ascii: "Z"), rows)
        case .upper(let operand):
            return changeCase(texts(operand, rows, frame), of: UInt8(ascii: "a")...UInt8(ascii: "z"), rows)
        case .substring(let operand, let start, let count):
            return substring(texts(operand, rows, frame), start, count, rows)
        case .coalesce(let operands): return coalesce(operands.map { texts($0, rows, frame) }, rows)
        }
    }

    private func changeCase(_ vector: TextVector, of letters: ClosedRange<UInt8>, _ rows: RowSelection) -> TextVector {
        defer { give(vector) }
        var total = 0
        rows.forEach { row in if vector.validity(row) == 1 { total += vector[row].count } }
        let bytes = pool.takeBytes(total)
        let scratch = pool.takeColumn()
        let cells = Cells<TextSlice>(scratch)
        var offset = 0
        rows.forEach { row in
            guard vector.validity(row) == 1 else {
                cells.set(row, TextSlice(offset: 0, length: 0), validity: 0)
                return
            }
            let text = vector[row]
            let target = unsafe (bytes.start + offset).assumingMemoryBound(to: UInt8.self)
            for index in 0..<text.count {
                let byte = unsafe text.bytes[index]
                unsafe target[index] = letters.contains(byte) ? byte ^ 0x20 : byte
            }
            cells.set(row, TextSlice(offset: UInt32(offset), length: UInt32(text.count)), validity: 1)
            offset += text.count
        }
        return unsafe .column(
            TextColumn(base: UnsafeRawPointer(bytes.start), cells: cells, scratch: scratch, bytes: bytes))
    }

    /// Slices of the same bytes; a constant text is a buffer of its own.
    private func substring(_ vector: TextVector, _ start: Int64, _ count: Int64?, _ rows: RowSelection) -> TextVector {
        // Bounds far outside any text are all the same, and cannot overflow.
        let bounded = { (value: Int64) in min(max(value, -(1 << 40)), 1 << 40) }
        let first = bounded(start) - 1
        let last = max(0, count.map { first + bounded($0) } ?? .max)
        let scratch = pool.takeColumn()
        let cells = Cells<TextSlice>(scratch)
        rows.forEach { row in
            guard vector.validity(row) == 1 else {
                cells.set(row, TextSlice(offset: 0, length: 0), validity: 0)
                return
            }
            let range = vector[row].codePoints(from: max(0, first), to: last)
            let base = if case .column(let input) = vector { Int(input.cells[row].offset) } else { 0 }
            cells.set(row, TextSlice(offset: UInt32(base + range.lowerBound), length: UInt32(range.count)), validity: 1)
        }
        switch vector {
        case .column(let input):
            if let old = input.scratch { pool.give(old) }
            return unsafe .column(TextColumn(base: input.base, cells: cells, scratch: scratch, bytes: input.bytes))
        case .constant(let text):
            return unsafe .column(TextColumn(base: text.start, cells: cells, scratch: scratch, bytes: nil))
        }
    }

    /// Copies the first text of each row that is there: the operands lie in different buffers.
    private func coalesce(_ vectors: [TextVector], _ rows: RowSelection) -> TextVector {
        defer { for vector in vectors { give(vector) } }
        var total = 0
        rows.forEach { row in
            if let vector = vectors.first(where: { $0.validity(row) == 1 }) {
                total += vector[row].count
            }
        }
        let bytes = pool.takeBytes(total)
        let scratch = pool.takeColumn()
        let cells = Cells<TextSlice>(scratch)
        var offset = 0
        rows.forEach { row in
            guard let vector = vectors.first(where: { $0.validity(row) == 1 }) else {
                cells.set(row, TextSlice(offset: 0, length: 0), validity: 0)
                return
            }
            let text = vector[row]
            unsafe (bytes.start + offset).copyMemory(from: text.start, byteCount: text.count)
            cells.set(row, TextSlice(offset: UInt32(offset), length: UInt32(text.count)), validity: 1)
            offset += text.count
        }
        return unsafe .column(
            TextColumn(base: UnsafeRawPointer(bytes.start), cells: cells, scratch: scratch, bytes: bytes))
    }
}

extension ExpressionEvaluator {
    func compareTexts(_ comparison: Comparison, _ a: TextVector, _ b: TextVector, _ rows: RowSelection) -> Rows {
        // The commonest condition of all, field == 'text': the lengths differ for most rows, and no bytes are read.
        if case .constant(let constant) = b, case .column(let column) = a,
            comparison == .equal || comparison == .notEqual
        {
            let flip: UInt8 = comparison == .equal ? 0 : 1
            return filter(rows) { row in
                column.cells.validity(row) & ((column[row] == constant ? 1 : 0) ^ flip)
            }
        }
        return filter(a, b, rows) { a, b in
            let order = TextView.order(a, b)
            return switch comparison {
            case .equal: order == 0
            case .notEqual: order != 0
            case .less: order < 0
            case .lessOrEqual: order <= 0
            case .greater: order > 0
            case .greaterOrEqual: order >= 0
            }
        }
    }

    func find(
        _ test: BooleanPlan.TextTest, _ a: TextVector, _ b: TextVector, _ wanted: Bool, _ rows: RowSelection
    ) -> Rows {
        switch test {
        case .prefix: filter(a, b, rows) { $0.hasPrefix($1) == wanted }
        case .suffix: filter(a, b, rows) { $0.hasSuffix($1) == wanted }
        case .inside: filter(a, b, rows) { $0.contains($1) == wanted }
        }
    }

    @inline(__always)
    private func filter(
        _ a: TextVector, _ b: TextVector, _ rows: RowSelection, _ holds: (TextView, TextView) -> Bool
    ) -> Rows {
        filter(rows) { row in
            guard a.validity(row) & b.validity(row) == 1 else { return 0 }
            return holds(a[row], b[row]) ? 1 : 0
        }
    }
}
