import Synchronization
import Testing

@testable import Dataflow

@Suite struct PermitGateTests {
    private static let long = ContinuousClock.now + .seconds(3_600)

    @Test func nothingGoesInUntilSomethingIsLent() {
        let gate = PermitGate(node: "n", limit: 3, own: nil, taker: .engine)
        #expect(!gate.admit(active: 0, queued: 2))
        #expect(gate.takeNeed() == PermitGate.Need(limit: 3, used: 0, wish: 2, peak: 2))
        gate.lend(.init(limit: 3, held: 1, allowed: 1), until: Self.long)
        #expect(gate.admit(active: 0, queued: 2))
        #expect(!gate.admit(active: 1, queued: 1))
        gate.leave(queued: 1)
        #expect(gate.takeNeed().wish == 1)
    }

    @Test func theSmallerOfBothNumbersCounts() {
        let gate = PermitGate(node: "n", limit: 5, own: 2, taker: .engine)
        gate.open()
        #expect((0..<4).map { gate.admit(active: $0, queued: 9) } == [true, true, false, false])
        let other = PermitGate(node: "n", limit: 1, own: 4, taker: .node)
        other.open()
        #expect(other.size == 1)
        #expect(other.take() && !other.take())
    }

    @Test func aLoanEnds() {
        let gate = PermitGate(node: "n", limit: 2, own: nil, taker: .node)
        gate.lend(.init(limit: 2, held: 2, allowed: 2), until: .now)
        #expect(!gate.isGood && !gate.take())
        gate.lend(.init(limit: 2, held: 2, allowed: 2), until: Self.long)
        #expect(gate.isGood && gate.take())
        let ended = Mutex(0)
        gate.onEnd { ended.withLock { $0 += 1 } }
        gate.withdraw()
        #expect(!gate.isGood && !gate.take() && gate.excess == 1)
        #expect(ended.withLock { $0 } == 1)
    }

    /// The lender is woken when it has something to do, and for nothing else.
    @Test func theLenderHearsOfNeedsOnly() {
        let gate = PermitGate(node: "n", limit: 4, own: nil, taker: .node)
        let rung = Mutex(0)
        gate.onNeed { rung.withLock { $0 += 1 } }
        gate.lend(.init(limit: 4, held: 2, allowed: 2), until: Self.long)
        gate.note(idle: 0, unmet: 2)
        #expect(rung.withLock { $0 } == 0)
        gate.note(idle: 0, unmet: 3)
        #expect(rung.withLock { $0 } == 1)
        #expect(gate.take() && gate.take())
        gate.note(idle: 0, unmet: 0)
        gate.giveBack()
        let before = rung.withLock { $0 }
        // Others want one back: the next one that is free is told of.
        #expect(gate.take())
        gate.lend(.init(limit: 4, held: 2, allowed: 1), until: Self.long)
        #expect(gate.excess == 1)
        gate.giveBack()
        #expect(rung.withLock { $0 } == before + 1)
        gate.tell(limit: 3)
        #expect(rung.withLock { $0 } == before + 2)
        gate.tell(limit: 3)
        #expect(rung.withLock { $0 } == before + 2)
    }

    @Test func whatIsIdleIsNoWish() {
        let gate = PermitGate(node: "n", limit: 4, own: nil, taker: .node)
        gate.open()
        for _ in 0..<3 { #expect(gate.take()) }
        gate.note(idle: 2, unmet: 0)
        #expect(gate.takeNeed().wish == 1)
        #expect(gate.snapshot.waited == nil)
    }
}
