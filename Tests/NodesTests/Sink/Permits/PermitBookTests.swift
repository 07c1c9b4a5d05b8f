import Testing

@testable import Nodes

@Suite struct PermitBookTests {
    /// What is made anew beside a topology works for it, and at the same things.
    @Test func whatStandsBesideATopologySharesItsPermits() {
        #expect(PermitRows(topology: "kpis@4", instance: "a").topology == "kpis")
        let own = PermitRows(topology: "kpis", instance: "a")
        #expect(own.concerns("kpis b") && !own.concerns("kpis a") && !own.concerns("kpis_too b"))
    }

    @Test func permitsGoRoundUntilNobodyWantsMore() {
        #expect(PermitBook.shares(of: 6, among: ["a": 9, "b": 9, "c": 9], turn: 0) == ["a": 2, "b": 2, "c": 2])
        // Who wants little gets it, and leaves the rest to the others.
        #expect(PermitBook.shares(of: 7, among: ["a": 1, "b": 9, "c": 9], turn: 0) == ["a": 1, "b": 3, "c": 3])
        #expect(PermitBook.shares(of: 9, among: ["a": 1, "b": 0, "c": 2], turn: 5) == ["a": 1, "c": 2])
        #expect(PermitBook.shares(of: 0, among: ["a": 1], turn: 0) == [:])
        #expect(PermitBook.shares(of: 3, among: [:], turn: 0) == [:])
    }

    @Test func whatDoesNotSufficeForAllIsEverybodysInTurn() {
        var got: [String: Int] = [:]
        for turn in 0..<30 {
            let shares = PermitBook.shares(of: 2, among: ["a": 4, "b": 4, "c": 4], turn: turn)
            #expect(shares.values.reduce(0, +) == 2)
            got.merge(shares, uniquingKeysWith: +)
        }
        #expect(got == ["a": 20, "b": 20, "c": 20])
    }
}
