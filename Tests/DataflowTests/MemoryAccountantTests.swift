import Testing

@testable import Dataflow

@Suite struct MemoryAccountantTests {
    @Test func whatANodeDrawsStandsUnderItsNameAndInTheSum() {
        let memory = MemoryAccountant(budget: 1 << 30)
        let (one, two) = (memory.scoped(to: "one"), memory.scoped(to: "two"))
        one.draw(100, for: .groups)
        one.draw(20, for: .kept)
        two.draw(3, for: .groups)
        memory.draw(1_000, for: .batches)
        #expect(memory.holders == [MemoryHolder(node: "one", bytes: 120), MemoryHolder(node: "two", bytes: 3)])
        #expect(memory.held(by: .groups) == 103 && one.held(by: .groups) == 103, "every accountant sees the whole")
        #expect(memory.account.total == MemoryAccountant.programBytes + 1_123)
        two.draw(-3, for: .groups)
        #expect(memory.holders.map(\.node) == ["one"], "who holds nothing is left out")
    }

    @Test func aNodeThatIsAskedForTwiceIsOne() {
        let memory = MemoryAccountant(budget: 1 << 30)
        memory.scoped(to: "one").draw(5, for: .rows)
        memory.scoped(to: "one").drawing(7, for: .rows) {
            #expect(memory.holders == [MemoryHolder(node: "one", bytes: 12)])
        }
        #expect(memory.holders == [MemoryHolder(node: "one", bytes: 5)])
    }

    /// What nodes keep leaves less for groups: an epoch is closed earlier.
    @Test func whatIsKeptComesOffAnEpochsShare() {
        let memory = MemoryAccountant(budget: 320 << 20)
        let before = memory.account.epochShare
        memory.scoped(to: "lookup").draw(90 << 20, for: .kept)
        #expect(memory.account.epochShare == before - (30 << 20))
    }
}
