import Platform
import Testing

@testable import Millrace

/// What is done about a topology: started when wanted, stopped when not, tried again after failures, never twice at once.
@Suite struct SupervisionTests {
    private let start = ContinuousClock.now
    private let first = Supervision.Order(version: 1, generation: 1)
    private let second = Supervision.Order(version: 2, generation: 2)

    @Test func aNewOrderStopsAndStarts() {
        var one = Supervision()
        #expect(one.step(wanted: nil, at: start) == nil)
        #expect(one.step(wanted: first, at: start) == .start(first))
        #expect(one.step(wanted: first, at: start) == nil)
        #expect(one.step(wanted: second, at: start) == .stop)
        #expect(one.step(wanted: second, at: start) == nil)
        one.ended(.orderly, at: start)
        #expect(one.step(wanted: second, at: start) == .start(second))
        #expect(one.step(wanted: nil, at: start) == .stop)
        one.ended(.failed, at: start)
        #expect(one.isAtRest)
        #expect(one.step(wanted: nil, at: start) == nil)
    }

    @Test func whatDoesNotEndIsAbandonedOnce() {
        var one = Supervision()
        _ = one.step(wanted: first, at: start)
        _ = one.step(wanted: nil, at: start)
        let late = start + Supervision.patience
        #expect(one.step(wanted: nil, at: late - .milliseconds(1)) == nil)
        #expect(!one.isAbandoned)
        #expect(one.step(wanted: nil, at: late) == .abandon)
        #expect(one.step(wanted: nil, at: late + .seconds(9)) == nil)
        one.ended(.failed, at: late)
        #expect(one.isAtRest && one.isAbandoned)
        // The next run has a chance of its own.
        _ = one.step(wanted: second, at: late)
        #expect(!one.isAbandoned)
    }

    @Test func failuresAreTriedAgainMoreAndMoreSlowly() {
        var one = Supervision()
        var now = start
        _ = one.step(wanted: first, at: now)
        var pauses: [Duration] = []
        for _ in 0..<9 {
            one.ended(.failed, at: now)
            let failed = now
            while one.step(wanted: first, at: now) == nil { now += .milliseconds(100) }
            pauses.append(now - failed)
        }
        #expect(pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60].map { Duration.seconds($0) })
        #expect(one.restarts == 9)
        // After a good run it begins anew.
        now += Supervision.goodRun
        one.ended(.failed, at: now)
        #expect(one.step(wanted: first, at: now + Supervision.pauseFirst) == .start(first))
        // Another order is not made to wait, and has no failures of its own.
        one.ended(.failed, at: now)
        #expect(one.step(wanted: second, at: now) == .start(second))
        #expect(one.restarts == 0)
    }

    /// Processes before this one have died of the run.
    @Test func aRunThatProcessesDiedOfBeginsByRestingAndIsHeldInTheEnd() {
        for (count, pause) in [(1, 1), (2, 2)] {
            var one = Supervision(deaths: (generation: 1, count: count))
            #expect(one.step(wanted: nil, at: start) == nil && one.phase == .idle)
            #expect(one.step(wanted: first, at: start) == nil)
            #expect(one.phase == .resting(first, until: start + .seconds(pause)) && one.isAtRest)
            #expect(one.step(wanted: first, at: start + .seconds(pause)) == .start(first))
            // It goes on as one that has failed as often.
            one.ended(.failed, at: start + .seconds(pause))
            #expect(one.phase == .resting(first, until: start + .seconds(3 * pause)))
        }
        var held = Supervision(deaths: (generation: 1, count: Supervision.deathsMax))
        #expect(held.step(wanted: first, at: start) == nil && held.phase == .settled(first, .held))
        #expect(held.step(wanted: first, at: start + .seconds(1_000_000)) == nil)
        // A restart is another order; so is a pause, behind which nothing is left of it.
        #expect(held.step(wanted: second, at: start) == .start(second))
        var paused = Supervision(deaths: (generation: 1, count: 9))
        _ = paused.step(wanted: first, at: start)
        #expect(paused.step(wanted: nil, at: start) == nil && paused.phase == .idle)
        #expect(paused.step(wanted: second, at: start) == .start(second))
    }

    @Test func deathsOfAnotherRunAreForgotten() {
        var one = Supervision(deaths: (generation: 1, count: 3))
        #expect(one.step(wanted: second, at: start) == .start(second))
    }

    @Test(arguments: [Supervision.Outcome.orderly, .refused])
    func someEndsWaitForAnotherOrder(outcome: Supervision.Outcome) {
        var one = Supervision()
        _ = one.step(wanted: first, at: start)
        one.ended(outcome, at: start)
        #expect(one.step(wanted: first, at: start + .seconds(1_000_000)) == nil)
        #expect(one.step(wanted: second, at: start) == .start(second))
    }

    @Test func othersThatAreInTheWayAreNoFailure() {
        var one = Supervision()
        _ = one.step(wanted: first, at: start)
        for round in 1...50 {
            one.ended(.early, at: start)
            #expect(one.step(wanted: first, at: start + Supervision.pauseEarly) == .start(first), "round \(round)")
        }
    }

    /// At random: what was started is stopped or ends before it is started again, and in the end what is wanted runs.
    @Test(arguments: 0..<200 as Range<UInt64>)
    func aRandomLife(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var one = Supervision()
        var now = start
        var running: Supervision.Order?
        var isStopping = false
        var wanted: Supervision.Order?
        for _ in 0..<400 {
            now += .milliseconds(random.below(900))
            if random.chance(20) {
                wanted = random.chance(30) ? nil : Supervision.Order(version: random.below(3), generation: 1)
            }
            if running != nil, random.chance(isStopping ? 50 : 5) {
                one.ended([.orderly, .failed, .refused, .early][random.below(4)], at: now)
                (running, isStopping) = (nil, false)
            }
            switch one.step(wanted: wanted, at: now) {
            case .start(let order)?:
                #expect(running == nil, "seed \(seed)")
                #expect(order == wanted, "seed \(seed)")
                running = order
            case .stop?:
                #expect(running != nil && running != wanted && !isStopping, "seed \(seed)")
                isStopping = true
            case .abandon?: #expect(isStopping, "seed \(seed)")
            case nil: break
            }
            #expect(one.isAtRest == (running == nil), "seed \(seed)")
        }
        if running != nil { one.ended(.failed, at: now) }
        let last = Supervision.Order(version: 9, generation: 9)
        #expect(one.step(wanted: last, at: now) == .start(last), "seed \(seed)")
    }
}
