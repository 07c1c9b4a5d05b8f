import Dataflow
import DataflowTesting
import Testing

/// The life of a rewind, walked at random against its drawing.
@Suite struct RewindMachineTests {
    /// Everything that may happen, with what the drawing says beside it.
    private struct Walk {
        var machine: RewindMachine
        var random: SeededRandom
        let sources: Int
        var isWriting = false
        var phase = RewindMachine.Phase.settled
        var states: [RewindMachine.SourceState]
        var drops = 0
        var reclaims = 0

        init(seed: UInt64) {
            random = SeededRandom(seed: seed)
            sources = Int.random(in: 1...4, using: &random)
            machine = RewindMachine(sources: sources)
            states = Array(repeating: .reading, count: sources)
        }

        mutating func dropped() {
            phase = .draining
            states = states.map { _ in .mustReclaim }
            drops += 1
        }

        mutating func step() {
            let source = Int.random(in: 0..<sources, using: &random)
            switch Int.random(in: 0..<8, using: &random) {
            // An epoch is handed to the database only while nothing is being dropped.
            case 0 where phase == .settled: isWriting = true
            case 1, 2: ask()
            case 3 where isWriting: hearOutcome()
            case 4 where phase == .draining:
                machine.drained()
                phase = .clearing
            case 5 where phase == .clearing:
                machine.cleared()
                phase = .settled
            case 6 where machine.isDue(source):
                machine.beginReclaim(source)
                states[source] = .reclaiming
            case 7:
                let holds = machine.endReclaim(source)
                #expect(holds == (states[source] == .reclaiming), "an answer from before a drop is worth nothing")
                guard holds else { break }
                states[source] = .reading
                reclaims += 1
            default: break
            }
        }

        private mutating func ask() {
            let mustDrop = machine.ask(isWriting: isWriting)
            #expect(mustDrop == (phase == .settled && !isWriting))
            if mustDrop { dropped() } else if phase == .settled { phase = .awaiting }
        }

        private mutating func hearOutcome() {
            let isCommitted = random.chance(60)
            let mustDrop = machine.outcome(isCommitted: isCommitted)
            #expect(mustDrop == (!isCommitted || phase == .awaiting))
            isWriting = false
            if mustDrop { dropped() }
        }

        func check() {
            #expect(machine.phase == phase)
            for source in 0..<sources {
                #expect(machine.state(of: source) == states[source])
                #expect(machine.admits(source) == (phase == .settled && states[source] == .reading))
                #expect(machine.isDue(source) == (phase == .settled && states[source] == .mustReclaim))
            }
        }
    }

    @Test(arguments: 1...200 as ClosedRange<UInt64>)
    func everyWalkKeepsToTheDrawing(seed: UInt64) {
        var walk = Walk(seed: seed)
        for _ in 0..<500 {
            walk.step()
            walk.check()
        }
        #expect(walk.drops > 5 && walk.reclaims > 5, "seed \(seed) walks nowhere")
    }

    @Test func whoAsksWhileAnotherDropIsUnderWayJoinsIt() {
        var machine = RewindMachine(sources: 1)
        let first = machine.ask(isWriting: true)
        let second = machine.ask(isWriting: true)
        #expect(!first && !second && machine.phase == .awaiting)
        let isDropped = machine.outcome(isCommitted: true)
        #expect(isDropped, "what was read after the epoch that was being written is dropped, however that ends")
        let third = machine.ask(isWriting: false)
        #expect(!third && machine.phase == .draining)
    }

    @Test func anAnswerFromBeforeADropIsAskedForAgain() {
        var machine = RewindMachine(sources: 2)
        _ = machine.ask(isWriting: false)
        machine.drained()
        machine.cleared()
        machine.beginReclaim(0)
        _ = machine.ask(isWriting: false)
        let holds = machine.endReclaim(0)
        #expect(!holds && !machine.isDue(0), "nothing is due before everything is dropped")
        machine.drained()
        machine.cleared()
        #expect(machine.isDue(0) && machine.isDue(1))
    }
}
