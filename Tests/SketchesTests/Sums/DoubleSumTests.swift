import Platform
import Testing

@testable import Sketches

@Suite struct DoubleSumTests {
    private static func sum(_ values: some Sequence<Double>) -> DoubleSum {
        var sum = DoubleSum()
        for value in values { sum.add(value) }
        return sum
    }

    private static func bytes(_ sum: DoubleSum) -> [UInt8] {
        var bytes: [UInt8] = []
        sum.encode(into: &bytes)
        return bytes
    }

    private static func decode(_ bytes: [UInt8]) throws -> DoubleSum {
        var sum = DoubleSum()
        try unsafe bytes.withUnsafeBytes { try unsafe sum.merge(encoded: $0) }
        return sum
    }

    @Test func agreesWithFractions() throws {
        #expect(DoubleSumVector.all.count > 80)
        for vector in DoubleSumVector.all {
            let sum = Self.sum(vector.values)
            #expect(Self.bytes(sum) == [UInt8](hex: vector.hex), "\(vector.values)")
            #expect(sum.nearest?.bitPattern == vector.nearest?.bitPattern, "\(vector.values)")
            #expect(sum.mean(of: UInt64(vector.values.count))?.bitPattern == vector.mean.bitPattern, "\(vector.values)")
            #expect(try Self.bytes(Self.decode(Self.bytes(sum))) == Self.bytes(sum))
        }
    }

    /// Values of the kinds there are: money, any bits, one magnitude, huge and tiny ones, zeros of both signs.
    static func values(_ count: Int, _ random: inout SeededRandom) -> [Double] {
        let kind = Int.random(in: 0..<6, using: &random)
        return (0..<count).map { _ in
            switch kind {
            case 0: return (Double.random(in: 0...1_000, using: &random) * 100).rounded() / 100
            case 1:
                let value = Double(bitPattern: random.next())
                return value.isFinite ? value : 0
            case 2: return Double.random(in: -1...1, using: &random)
            case 3: return Double(Int64.random(in: -1_000...1_000_000, using: &random))
            case 4:
                return Double(
                    sign: Bool.random(using: &random) ? .plus : .minus,
                    exponent: Int.random(in: -90...90, using: &random),
                    significand: Double.random(in: 1..<2, using: &random))
            default:
                return [0, -0.0, .leastNonzeroMagnitude, -.leastNonzeroMagnitude, 1e308, -1e308].randomElement(
                    using: &random) ?? 0
            }
        }
    }

    @Test(arguments: 1...300 as ClosedRange<UInt64>)
    func orderPartsAndTreesOfTablesLeaveNoTrace(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let values = Self.values(Int.random(in: 1...(seed % 10 == 0 ? 3_000 : 60), using: &random), &random)
        let expected = Self.bytes(Self.sum(values))
        for _ in 0..<6 {
            let shuffled = values.shuffled(using: &random)
            let groups = shuffled.map { _ in UInt32.random(in: 0..<5, using: &random) }
            var parts = DoubleSumTable()
            parts.grow(to: 6)
            unsafe parts.add(shuffled, valid: nil, rows: nil, groups: groups, count: shuffled.count)
            // Two levels of merging, as of workers and of grouping sets, then the rest through stored bytes.
            var coarser = DoubleSumTable()
            coarser.grow(to: 3)
            unsafe coarser.merge(parts, groupMap: [0, 0, 1, 1, 2, 2])
            var coarsest = DoubleSumTable()
            coarsest.grow(to: 2)
            unsafe coarsest.merge(coarser, groupMap: [1, 1, 0])
            var total = DoubleSum()
            try coarsest.load(group: 0, into: &total)
            var other = DoubleSum()
            try coarsest.load(group: 1, into: &other)
            if !other.isEmpty {
                let stored = Self.bytes(other)
                try unsafe stored.withUnsafeBytes { try unsafe total.merge(encoded: $0) }
            }
            #expect(Self.bytes(total) == expected, "seed \(seed)")
        }
    }

    @Test func skipsInvalidRowsAndKnowsNothingFromZero() throws {
        var table = DoubleSumTable()
        table.grow(to: 4)
        unsafe table.add([1, 2, 4, 0], valid: [1, 0, 1, 1], rows: [2, 1, 0, 3], groups: [0, 0, 2, 3], count: 4)
        var sums: [DoubleSum] = []
        for group in 0..<4 {
            var sum = DoubleSum()
            try table.load(group: group, into: &sum)
            sums.append(sum)
        }
        #expect(sums.map(\.isEmpty) == [false, true, false, false])
        #expect(sums.map(\.nearest) == [4, 0, 1, 0])
        #expect(Self.bytes(sums[3]) == [0x30])
    }

    @Test func whatLiesBeyondTheLargestDoubleIsShownByItsDigitsAndComesBack() {
        var sum = Self.sum([Double](repeating: .greatestFiniteMagnitude, count: 10))
        #expect(sum.nearest == nil)
        #expect(sum.decimal.digits == 17_976_931_348_623_157 && sum.decimal.exponent == 293)
        for _ in 0..<9 { sum.add(-.greatestFiniteMagnitude) }
        #expect(sum.nearest == .greatestFiniteMagnitude)
    }

    @Test func theShownDigitsReadBackAsTheNearestDouble() {
        var random = SeededRandom(seed: 9)
        for _ in 0..<2_000 {
            let sum = Self.sum(Self.values(3, &random))
            guard let nearest = sum.nearest else { continue }
            let shown = sum.decimal
            #expect(Double("\(shown.isNegative ? "-" : "")\(shown.digits)e\(shown.exponent)") == nearest)
            #expect(shown.digits % 10 != 0 || shown == DoubleDigits(0))
        }
    }

    @Test func aMillionAmountsOfMoneyTakeFifteenBytesAndNoBody() throws {
        var random = SeededRandom(seed: 10)
        let values = (0..<1_000_000).map { _ in Double(Int64.random(in: 1...100_000, using: &random)) / 100 }
        var table = DoubleSumTable()
        table.grow(to: 1)
        unsafe table.add(
            values, valid: nil, rows: nil, groups: [UInt32](repeating: 0, count: values.count), count: values.count)
        #expect(table.arena.memoryBytes == 0)
        var sum = DoubleSum()
        try table.load(group: 0, into: &sum)
        #expect(Self.bytes(sum).count <= 15)
        #expect(MemoryLayout<DoubleSumSlot>.stride == 24)
    }

    @Test(arguments: [
        "", "40", "33", "3000", "31", "3100", "310000", "310002", "3101", "31800001", "31ff7f01", "31ff01",
        "3180808001",
        "31e51001", "31fe1007", "12", "22",
    ])
    func malformedBytesAreRefusedAndChangeNothing(hex: String) {
        var sum = Self.sum([1.5])
        let bytes = [UInt8](hex: hex)
        #expect(throws: SketchError.self, "\(hex)") {
            try unsafe bytes.withUnsafeBytes { try unsafe sum.merge(encoded: $0) }
        }
        #expect(sum.nearest == 1.5)
    }

    @Test func damagedBytesNeverCrash() throws {
        var random = SeededRandom(seed: 11)
        var accepted = 0
        for _ in 0..<20_000 {
            var bytes = Self.bytes(Self.sum(Self.values(3, &random)))
            let position = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<3, using: &random) {
            case 0: bytes[position] ^= 1 << UInt8.random(in: 0...7, using: &random)
            case 1: bytes.insert(UInt8.random(in: 0...255, using: &random), at: position)
            default: bytes.remove(at: position)
            }
            guard let sum = try? Self.decode(bytes), !sum.isEmpty else { continue }
            accepted += 1
            #expect(Self.bytes(sum) == bytes)
            _ = sum.decimal
        }
        #expect(accepted > 1_000)
    }

    @Test func aStoredSumAtTheEndOfItsRangeIsAnErrorAndNoTrap() throws {
        // 2^1086: two of them are one too many.
        let largest = try Self.decode([0x31, 0xfc, 0x10, 0x01])
        var sum = largest
        #expect(throws: SketchError.self) { try sum.merge(largest) }
        #expect(Self.bytes(sum) == Self.bytes(largest))
    }
}
