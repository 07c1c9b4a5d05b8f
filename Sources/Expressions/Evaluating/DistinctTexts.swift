import Dataflow

/// The distinct texts of a column: which rows have a text for the first time, and for every row which row that was.
@safe struct DistinctTexts {
    /// The first row of each text, ascending; rows without one count as one text.
    let rows: ExpressionEvaluator.Rows
    private let firsts: ScratchPool.Scratch

    /// Rows after which it is decided whether there are enough repetitions to go on.
    private static let trial = 1024

    /// The first row with the text of `row`.
    @inline(__always)
    func first(of row: Int) -> Int {
        Int(unsafe firsts.values.load(fromByteOffset: row &* 4, as: UInt32.self))
    }

    func giveBack(to pool: inout ScratchPool) {
        if let list = rows.list { pool.give(list) }
        pool.give(firsts)
    }

    /// nil when most texts are different, so that looking for equal ones costs more than it saves.
    static func find(
        _ texts: ArgumentReader, _ rows: RowSelection, _ pool: inout ScratchPool
    ) -> DistinctTexts? {
        guard rows.count >= 64 else { return nil }
        // An open-addressing table, at most half full: the row of each text beside a part of its hash.
        var size = 256
        while size < rows.count * 2 { size *= 2 }
        let table = pool.takeBytes(size * 8)
        defer { pool.give(table) }
        let slots = unsafe table.start.assumingMemoryBound(to: UInt64.self)
        unsafe slots.update(repeating: .max, count: size)
        let list = pool.takeRows()
        let firsts = pool.takeColumn()
        let firstOf = unsafe firsts.values.assumingMemoryBound(to: UInt32.self)
        var count = 0
        var nothing: Int?
        for index in 0..<rows.count {
            if index == trial, count * 4 > trial * 3 {
                pool.give(list)
                pool.give(firsts)
                return nil
            }
            let row = rows[index]
            var first = row
            if texts.isThere(row) {
                let text = TextView.load(texts, row)
                let hash = text.hash
                let tag = hash & 0xFFFF_FFFF_0000_0000
                var slot = Int(truncatingIfNeeded: hash) & (size - 1)
                while true {
                    let entry = unsafe slots[slot]
                    if entry == .max {
                        unsafe slots[slot] = tag | UInt64(row)
                        break
                    }
                    let other = Int(entry & 0xFFFF_FFFF)
                    if entry & 0xFFFF_FFFF_0000_0000 == tag, TextView.load(texts, other) == text {
                        first = other
                        break
                    }
                    slot = (slot + 1) & (size - 1)
                }
            } else if let nothing {
                first = nothing
            } else {
                nothing = row
            }
            unsafe firstOf[row] = UInt32(truncatingIfNeeded: first)
            if first == row {
                unsafe list.start[count] = UInt32(truncatingIfNeeded: row)
                count += 1
            }
        }
        let selection = unsafe RowSelection(rows: UnsafePointer(list.start), count: count)
        return DistinctTexts(rows: .init(selection: selection, list: list), firsts: firsts)
    }
}
