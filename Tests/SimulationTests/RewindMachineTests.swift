import Dataflow
import DataflowTesting
import Platform
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
        /// What did not go as drawn. One expectation a walk: they are not cheap, and other tests wait meanwhile.
        var faults: [String] = []

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
            // Seldom enough for sources to get anywhere in between.
            case 1 where random.chance(15), 2 where random.chance(15): ask()
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
                expect(holds == (states[source] == .reclaiming), "an answer from before a drop is worth nothing")
                guard holds else { break }
                states[source] = .reading
                reclaims += 1
            default: break
            }
        }

        private mutating func ask() {
            let mustDrop = machine.ask(isWriting: isWriting)
            expect(mustDrop == (phase == .settled && !isWriting), "a drop now or later, when asked")
            if mustDrop { dropped() } else if phase == .settled { phase = .awaiting }
        }

        private mutating func hearOutcome() {
            let isCommitted = random.chance(90)
            let mustDrop = machine.outcome(isCommitted: isCommitted)
            expect(mustDrop == (!isCommitted || phase == .awaiting), "a drop now or none, by the outcome")
            isWriting = false
            if mustDrop { dropped() }
        }

        mutating func check() {
            expect(machine.phase == phase, "the phase")
            for source in 0..<sources {
                let state = states[source]
                expect(machine.state(of: source) == state, "the state of a source")
                expect(machine.admits(source) == (phase == .settled && state == .reading), "who is admitted")
                expect(
                    machine.isDue(source) == (phase == .settled && state == .mustReclaim), "for whom a rewind is due")
            }
        }

        private mutating func expect(_ isRight: Bool, _ what: StaticString) {
            if !isRight { faults.append("\(what)") }
        }
    }

    @Test(arguments: 1...200 as ClosedRange<UInt64>)
    func everyWalkKeepsToTheDrawing(seed: UInt64) {
        var walk = Walk(seed: seed)
        for _ in 0..<3_000 {
            walk.step()
            walk.check()
        }
        #expect(walk.faults == [], "seed \(seed)")
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
