import Dataflow
import DataflowTesting
import Testing

/// The life of a rewind, walked at random against its drawing.
@Suite struct RewindMachineTests {
    @Test(arguments: 1...200 as ClosedRange<UInt64>)
    func everyWalkKeepsToTheDrawing(seed: UInt64) {
        var random = SeededRandom(seed: seed &* 0x9E37_79B9_7F4A_7C15)
        let sources = Int.random(in: 1...4, using: &random)
        var machine = RewindMachine(sources: sources)
        var mustAsk = Set<Int>()
        for _ in 0..<200 {
            let before = machine.phase
            switch Int.random(in: 0..<3, using: &random) {
            case 0:
                #expect(machine.begin() == (before != .discarding))
                #expect(machine.phase == .discarding)
            case 1 where before == .discarding:
                machine.finish()
                mustAsk = Set(0..<sources)
                #expect(machine.phase == .due)
            default:
                // A source asks when it is told to, also while a second rewind drops everything again.
                guard let source = mustAsk.randomElement(using: &random) else { continue }
                machine.reclaim(source)
                mustAsk.remove(source)
            }
            #expect(machine.phase == .discarding || machine.phase == (mustAsk.isEmpty ? .settled : .due))
            for source in 0..<sources {
                #expect(machine.isDue(source) == mustAsk.contains(source))
                #expect(machine.admits(source) == (machine.phase != .discarding && !mustAsk.contains(source)))
            }
        }
    }
}
