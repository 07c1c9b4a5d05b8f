import DataflowTesting
import Platform
import Testing

@testable import Summaries

@Suite struct InternerTests {
    /// Bytes followed by room, as in a batch's buffer: the interner may read 16 bytes whatever the length.
    private static func intern(_ text: [UInt8], _ interner: inout TextInterner) -> UInt32 {
        let padded = text + [UInt8](repeating: 0xff, count: 16)
        return unsafe padded.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress else { preconditionFailure("padding is never empty") }
            return unsafe interner.intern(start, length: text.count)
        }
    }

    /// Few different bytes (never NUL, which the parser refuses) and all lengths up to 40, so that equal prefixes and both
    /// layouts meet.
    private static func randomText(_ random: inout SeededRandom) -> [UInt8] {
        (0..<Int.random(in: 0...40, using: &random)).map { _ in UInt8.random(in: 1...3, using: &random) }
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func textsGetOneIDEachAndKeepIt(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var interner = TextInterner()
        var known: [[UInt8]: UInt32] = [:]
        for _ in 0..<4_000 {
            let text = Self.randomText(&random)
            let id = Self.intern(text, &interner)
            #expect(id > 0, "0 stands for null")
            #expect(known[text] == nil || known[text] == id, "seed \(seed), \(text)")
            known[text] = id
        }
        #expect(Set(known.values).count == known.count, "seed \(seed): two texts share an id")
        #expect(interner.idCount == known.count + 1)
        for (text, id) in known { #expect(unsafe interner.text(id).elementsEqual(text), "seed \(seed)") }
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func integersGetOneIDEachAndKeepIt(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var interner = IntegerInterner()
        var known: [Int64: UInt32] = [:]
        let extremes: [Int64] = [.min, .max, 0, -1, 1]
        for step in 0..<4_000 {
            let value = step < 5 ? extremes[step] : Int64.random(in: -1_000...1_000, using: &random) << 40
            let id = interner.intern(value)
            #expect(id > 0)
            #expect(known[value] == nil || known[value] == id, "seed \(seed), \(value)")
            known[value] = id
        }
        #expect(Set(known.values).count == known.count, "seed \(seed)")
        for (value, id) in known { #expect(interner.value(id) == value, "seed \(seed)") }
    }
}

@Suite struct GroupTableTests {
    @Test(arguments: 1...7)
    func equalKeysMeetInOneGroup(width: Int) {
        var random = SeededRandom(seed: UInt64(width))
        var table = GroupTable(width: width)
        var known: [[UInt32]: UInt32] = [:]
        for _ in 0..<30 {
            let rows = Int.random(in: 1...300, using: &random)
            let keys = (0..<rows).map { _ in (0..<width).map { _ in UInt32.random(in: 0...4, using: &random) } }
            for (key, group) in zip(keys, Self.assign(keys, width, &table)) {
                #expect(known[key] == nil || known[key] == group, "\(key)")
                known[key] = group
                for position in 0..<width { #expect(table.id(position, ofGroup: Int(group)) == key[position]) }
            }
        }
        #expect(table.count == known.count)
        #expect(Set(known.values) == Set(0..<UInt32(known.count)), "groups are numbered without gaps")
    }

    private static func assign(_ keys: [[UInt32]], _ width: Int, _ table: inout GroupTable) -> [UInt32] {
        let columns = unsafe (0..<width).map { position in
            let column = UnsafeMutablePointer<UInt32>.allocate(capacity: keys.count)
            for (row, key) in keys.enumerated() { unsafe column[row] = key[position] }
            return unsafe column
        }
        defer { unsafe columns.forEach { unsafe $0.deallocate() } }
        var groups = [UInt32](repeating: 0, count: keys.count)
        unsafe columns.withUnsafeBufferPointer { columns in
            unsafe groups.withUnsafeMutableBufferPointer { groups in
                guard let ids = columns.baseAddress, let into = groups.baseAddress else { return }
                unsafe table.assign(ids: ids, count: keys.count, into: into)
            }
        }
        return groups
    }
}
