import DataflowTesting
import Platform
import Synchronization
import Testing

/// Threads that run one at a time, and time that passes by itself.
@Suite struct SteppingSchedulerTests {
    /// Runs `body` as a simulation's first thread, on a thread of its own.
    private static func run(
        seed: UInt64, stepsMax: Int = 10_000, _ body: @escaping @Sendable (SteppingScheduler) throws -> Void
    ) async throws -> (SteppingScheduler.Ending, SteppingScheduler) {
        try await onThread(named: "simulation") {
            let scheduler = SteppingScheduler(seed: seed, stepsMax: stepsMax, isTraced: true)
            let ending = try scheduler.run("first") {
                do { try body(scheduler) } catch { preconditionFailure("\(error)") }
            }
            return (ending, scheduler)
        }
    }

    @Test func oneThreadRunsAtATimeAndAnyMayBeNext() async throws {
        let orders = Mutex<Set<[Int]>>([])
        for seed in 1...40 as ClosedRange<UInt64> {
            let order = Mutex<[Int]>([])
            let running = Atomic(0)
            let (ending, _) = try await Self.run(seed: seed) { scheduler in
                for number in 0..<3 {
                    try scheduler.start(name: "\(number)") {
                        for _ in 0..<5 {
                            let others = running.wrappingAdd(1, ordering: .sequentiallyConsistent).oldValue
                            precondition(others == 0, "two threads run")
                            order.withLock { $0.append(number) }
                            running.wrappingSubtract(1, ordering: .sequentiallyConsistent)
                            scheduler.reach("counts")
                        }
                    }
                }
            }
            guard case .finished = ending else { throw Unexpected(ending: ending) }
            orders.withLock { _ = $0.insert(order.withLock { $0 }) }
        }
        let count = orders.withLock { $0.count }
        #expect(count > 20, "40 seeds gave \(count) orders")
    }

    @Test func timeJumpsWhenAllWait() async throws {
        let (ending, scheduler) = try await Self.run(seed: 1) { scheduler in
            let monitor = Monitor(0, schedule: Schedule(scheduler))
            try scheduler.start(name: "sets") {
                scheduler.sleep(.seconds(3_600))
                monitor.update { $0 = 1 }
            }
            let early: Int? = monitor.wait(timeout: .seconds(60)) { $0 > 0 ? $0 : nil }
            precondition(early == nil && scheduler.time >= .seconds(60) && scheduler.time < .seconds(61))
            let late: Int? = monitor.wait { $0 > 0 ? $0 : nil }
            precondition(late == 1)
        }
        guard case .finished = ending else { throw Unexpected(ending: ending) }
        #expect(scheduler.time >= .seconds(3_600) && scheduler.time < .seconds(3_601))
    }

    @Test func whoWaitsForEachOtherIsNamed() async throws {
        let (ending, _) = try await Self.run(seed: 1) { scheduler in
            let monitor = Monitor(false, schedule: Schedule(scheduler))
            try scheduler.start(name: "second") { _ = monitor.wait { $0 ? true : nil } }
            _ = monitor.wait { $0 ? true : nil }
        }
        guard case .stuck(let report) = ending else { throw Unexpected(ending: ending) }
        #expect(report.contains("first/first waits") && report.contains("first/second waits"))
    }

    /// A wake-up that the waiter's group is not meant by reaches nobody.
    @Test func onlyTheGroupThatIsMeantIsWoken() async throws {
        let (ending, _) = try await Self.run(seed: 1) { scheduler in
            let monitor = Monitor(false, schedule: Schedule(scheduler))
            try scheduler.start(name: "sets") {
                monitor.update { state, woken in
                    state = true
                    woken = Waiters(rawValue: 1)
                }
            }
            scheduler.sleep(.seconds(-1))
            _ = monitor.wait(as: Waiters(rawValue: 1)) { $0 ? true : nil }
            _ = monitor.wait(as: Waiters(rawValue: 2)) { _ -> Bool? in nil }
        }
        guard case .stuck = ending else { throw Unexpected(ending: ending) }
    }

    @Test func aRunWithoutEndIsEnded() async throws {
        let (ending, _) = try await Self.run(seed: 1, stepsMax: 100) { scheduler in
            while true { scheduler.reach("goes round and round") }
        }
        guard case .endless(let report) = ending else { throw Unexpected(ending: ending) }
        #expect(report.contains("goes round and round"))
    }

    @Test func aFrozenCrewStandsStill() async throws {
        let (ending, scheduler) = try await Self.run(seed: 1) { scheduler in
            let crew = SteppingScheduler.Crew("others")
            let count = Mutex(0)
            try scheduler.start(name: "counts", of: crew) {
                for _ in 0..<3 {
                    scheduler.sleep(.milliseconds(10))
                    count.withLock { $0 += 1 }
                }
            }
            scheduler.freeze(crew, for: .seconds(5))
            scheduler.sleep(.seconds(4))
            precondition(count.withLock { $0 } == 0)
            scheduler.sleep(.seconds(2))
            precondition(count.withLock { $0 } == 3)
        }
        guard case .finished = ending else { throw Unexpected(ending: ending) }
        #expect(scheduler.time >= .seconds(6))
    }

    private struct Unexpected: Error {
        var ending: SteppingScheduler.Ending
    }
}
