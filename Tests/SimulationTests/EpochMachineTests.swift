import Dataflow
import DataflowTesting
import Platform
import Testing

@Suite struct EpochMachineTests {
    @Test func anEpochIsWrittenOnlyAfterItsLastBatch() {
        var machine = EpochMachine()
        let first = machine.admit()
        let second = machine.admit()
        let isSealed = machine.seal(isDue: true)
        #expect(isSealed)
        let whileBothRun = machine.takeDrained()
        #expect(whileBothRun == nil)
        let firstIsCurrent = machine.complete(epoch: first.epoch, generation: first.generation)
        #expect(firstIsCurrent)
        let whileOneRuns = machine.takeDrained()
        #expect(whileOneRuns == nil)
        let secondIsCurrent = machine.complete(epoch: second.epoch, generation: second.generation)
        #expect(secondIsCurrent)
        let afterTheLast = machine.takeDrained()
        #expect(afterTheLast == first.epoch)
        machine.commit()
        #expect(machine.committed == first.epoch)
        #expect(machine.isIdle)
    }

    @Test func oneEpochFillsWhileAnotherIsWritten() {
        var machine = EpochMachine()
        let first = machine.admit()
        _ = machine.complete(epoch: first.epoch, generation: first.generation)
        let isSealed = machine.seal(isDue: true)
        #expect(isSealed)
        let second = machine.admit()
        #expect(second.epoch == first.epoch + 1)
        let isSealedTwice = machine.seal(isDue: true)
        #expect(!isSealedTwice, "only one epoch is sealed at a time")
        let drained = machine.takeDrained()
        #expect(drained == first.epoch)
    }

    @Test func anEmptyEpochIsNeverSealed() {
        var machine = EpochMachine()
        let isSealed = machine.seal(isDue: true)
        #expect(!isSealed)
    }

    @Test func batchesOfADroppedGenerationAreStale() {
        var machine = EpochMachine()
        let old = machine.admit()
        machine.discard()
        #expect(machine.batchesInFlight == 1)
        let new = machine.admit()
        #expect(new.generation == old.generation + 1)
        #expect(new.epoch > old.epoch, "a waiter for the old epoch must not take the new one for it")
        let oldIsCurrent = machine.complete(epoch: old.epoch, generation: old.generation)
        #expect(!oldIsCurrent)
        let newIsCurrent = machine.complete(epoch: new.epoch, generation: new.generation)
        #expect(newIsCurrent)
    }

    /// Random walks over all events: what was admitted is committed once or dropped, never both, never lost.
    @Test(arguments: 1...200 as ClosedRange<UInt64>)
    func everyBatchIsCommittedOrDroppedOnce(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var machine = EpochMachine()
        var inFlight: [(epoch: UInt64, generation: UInt64)] = []
        var finished: [UInt64: Int] = [:]
        var admitted = 0
        var committed = 0
        var dropped = 0
        func drop() {
            dropped += finished.values.reduce(0, +)
            finished = [:]
        }
        for _ in 0..<500 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0...3:
                inFlight.append(machine.admit())
                admitted += 1
            case 4...6:
                guard let index = inFlight.indices.randomElement(using: &random) else { continue }
                let batch = inFlight.remove(at: index)
                if machine.complete(epoch: batch.epoch, generation: batch.generation) {
                    finished[batch.epoch, default: 0] += 1
                } else {
                    dropped += 1
                }
            case 7: _ = machine.seal(isDue: random.chance(80))
            case 8:
                guard let epoch = machine.takeDrained() else { continue }
                if random.chance(80) {
                    machine.commit()
                    committed += finished.removeValue(forKey: epoch) ?? 0
                } else {
                    machine.fence()
                    drop()
                }
            default:
                guard random.chance(20) else { continue }
                if case .writing = machine.sealed { continue }
                machine.discard()
                drop()
            }
        }
        let waiting = inFlight.count + finished.values.reduce(0, +)
        #expect(admitted == committed + dropped + waiting, "seed \(seed)")
        #expect(machine.batchesInFlight == inFlight.count, "seed \(seed)")
    }
}
