import Dataflow
import Platform
import Testing

/// The life of a pipeline, walked at random against its drawing.
@Suite struct PipelineLifeTests {
    private enum Event: CaseIterable { case stop, sourcesEnd, cancel, commitsEnd, commitsFail }

    /// The drawing, said again without the machine: what each phase is left for. Nil: the event does not come in it.
    private static func next(
        _ phase: PipelineLife.Phase, _ event: Event, _ now: ContinuousClock.Instant
    ) -> PipelineLife.Phase? {
        switch (phase, event) {
        case (.running, .stop): .stopping
        case (.running, .sourcesEnd), (.stopping, .sourcesEnd): .draining
        case (.running, .cancel), (.stopping, .cancel), (.draining, .cancel): .abandoned(since: now)
        case (.running, .commitsFail), (.stopping, .commitsFail), (.draining, .commitsFail): .ended(givenUp: now)
        case (.running, .commitsEnd), (.stopping, .commitsEnd): nil
        case (.draining, .commitsEnd): .ended(givenUp: nil)
        case (.abandoned(let since), .commitsEnd), (.abandoned(let since), .commitsFail): .ended(givenUp: since)
        case (.ended(nil), .cancel): .ended(givenUp: now)
        case (.ended, .commitsEnd), (.ended, .commitsFail), (.draining, .sourcesEnd): nil
        default: phase
        }
    }

    @Test(arguments: 1...200 as ClosedRange<UInt64>)
    func everyWalkKeepsToTheDrawing(seed: UInt64) {
        var random = SeededRandom(seed: SeededRandom.mix(seed))
        var now = ContinuousClock.now
        var life = PipelineLife()
        var phase = life.phase
        var faults: [String] = []
        for _ in 0..<12 {
            let event = random.pick(Event.allCases)
            now += .seconds(1)
            guard let next = Self.next(phase, event, now) else { continue }
            switch event {
            case .stop: life.stop()
            case .sourcesEnd: life.sourcesEnded()
            case .cancel: life.cancel(at: now)
            case .commitsEnd: life.commitsEnded(hasFailed: false, at: now)
            case .commitsFail: life.commitsEnded(hasFailed: true, at: now)
            }
            if life.phase != next { faults.append("\(event) led from \(phase) to \(life.phase), not \(next)") }
            phase = next
            faults += Self.contradictions(life)
        }
        #expect(faults == [], "seed \(seed)")
    }

    /// What threads ask, by phase.
    private static func contradictions(_ life: PipelineLife) -> [String] {
        let expected: (stopping: Bool, draining: Bool, ended: Bool, givenUp: Bool) =
            switch life.phase {
            case .running: (false, false, false, false)
            case .stopping: (true, false, false, false)
            case .draining: (true, true, false, false)
            case .abandoned: (true, false, false, true)
            case .ended: (true, false, true, true)
            }
        let found = (life.isStopping, life.isDraining, life.hasEnded, life.hasGivenUp)
        return found == expected ? [] : ["\(life.phase): \(found), expected \(expected)"]
    }

    /// A first moment stays: the patience with threads that hang is not prolonged.
    @Test func whoCancelsTwiceDoesNotWaitLonger() {
        let first = ContinuousClock.now
        var life = PipelineLife()
        life.cancel(at: first)
        life.cancel(at: first + .seconds(1))
        #expect(life.givenUp == first)
        life.commitsEnded(hasFailed: true, at: first + .seconds(2))
        life.cancel(at: first + .seconds(3))
        #expect(life.givenUp == first)
    }
}
