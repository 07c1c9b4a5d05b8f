import Testing

@testable import Sketches

@Suite struct DistinctCountTableMemoryTests {
    @Test func newGroupsAreEmptyAfterRemoval() {
        for keeping in [true, false] {
            var random = HashStream(seed: 41)
            var table = DistinctCountTable(parameters: .standard)
            for groups in [70_000, 10, 40_000, 80_000] {
                table.grow(to: groups)
                #expect(table.count == groups)
                for group in stride(from: 0, to: groups, by: 97) {
                    #expect(table.estimate(group: group) == 0)
                    for _ in 0..<12 { table.insert(hash: random.next(), group: group) }
                }
                table.removeAll(keepingCapacity: keeping)
                #expect(table.count == 0)
            }
            if !keeping { #expect(table.memoryBytes < 8192) }
        }
    }

    @Test func keptMemoryDoesNotCreep() {
        var random = HashStream(seed: 42)
        var table = DistinctCountTable(parameters: .compact)
        var held: [Int] = []
        var blocks: [Int] = []
        for _ in 0..<20 {
            table.grow(to: 2000)
            for _ in 0..<100_000 { table.insert(hash: random.next(), group: Int(random.next() % 2000)) }
            held.append(table.memoryBytes)
            blocks.append(table.arena.blocks.count)
            table.removeAll(keepingCapacity: true)
        }
        // Blocks change class while groups grow, so later rounds touch pages that the first did not; never more blocks
        // than one for each class beyond those of the first.
        #expect(blocks[19] <= blocks[0] + 2, "seed 42: \(blocks), \(held)")
        #expect(held[19] <= (blocks[0] + 2) << 18, "seed 42: \(held)")
    }

    @Test func equalGroupsLeaveNoTrailOfDeadSlabs() {
        // 4,000 groups grow together through every size class; each holds about 400 words of 17 bits in the end.
        var random = HashStream(seed: 43)
        var table = DistinctCountTable(parameters: .compact)
        table.grow(to: 4000)
        var peak = 0.0
        for value in 1...400 {
            for group in 0..<4000 { table.insert(hash: random.next(), group: group) }
            guard value >= 60, value % 10 == 0 else { continue }
            let packed = Double(4000 * (8 + value * 17 / 8))
            peak = max(peak, Double(table.memoryBytes) / packed)
        }
        // Two neighbouring classes in use at once, each at least 7/8/1.5 full; without reuse it would be above 6.
        #expect(peak < 3, "memory over packed words, seed 43: \(peak)")
    }

    @Test func denseSketchesStayWithinTheirBounds() {
        for (parameters, limit) in [(HyperLogLogParameters.compact, 2100), (.precise, 8400)] {
            var random = HashStream(seed: 44)
            var table = DistinctCountTable(parameters: parameters)
            let groups = 60
            table.grow(to: groups)
            for group in 0..<groups {
                for _ in 0..<(parameters.registerCount * 2) { table.insert(hash: random.next(), group: group) }
            }
            let before = table.memoryBytes
            table.grow(to: groups * 2)
            for group in groups..<groups * 2 {
                for _ in 0..<(parameters.registerCount * 2) { table.insert(hash: random.next(), group: group) }
            }
            // Pages of the last, partly used slabs come on top: less than one dense body's worth each.
            #expect(table.memoryBytes - before <= groups * limit + 8192, "\(parameters)")
        }
    }
}
