import DataflowTesting
import Foundation
import Platform
import Synchronization
import Testing

/// The real engine, one thread at a time as a seed has it, over a model of a log and of a database: whatever befalls it,
/// every record is in the tables once.
///
/// A seed that fails is run again by `swift run simulate SEED`, which shows what happened.
@Suite(.serialized) struct SteppingTests {
    /// How many seeds; `SIMULATION_SEEDS` may say another number.
    private static var seeds: UInt64 {
        ProcessInfo.processInfo.environment["SIMULATION_SEEDS"].flatMap { UInt64($0) } ?? 2_000
    }

    /// Seeds on their way, and what they found.
    private final class Seeds: Sendable {
        private let next = Atomic(UInt64(1))
        private let found = Mutex<(findings: [String], met: Set<SteppingPlan.Event>)>(([], []))

        var findings: [String] { found.withLock { $0.findings } }
        var met: Set<SteppingPlan.Event> { found.withLock { $0.met } }

        /// Runs one seed after the other, until there is none or enough was found.
        func run(through last: UInt64) {
            while findings.count < 10 {
                let seed = next.wrappingAdd(1, ordering: .relaxed).oldValue
                guard seed <= last else { return }
                let plan = SteppingPlan(seed: seed)
                let report = SteppingRun.run(plan)
                found.withLock { found in
                    found.met.formUnion(plan.events)
                    found.findings += report.findings.map { "seed \(seed): \($0)" }
                }
            }
        }
    }

    @Test func everyRecordIsReadOnce() async throws {
        let seeds = Seeds()
        let last = Self.seeds
        try await withThrowingTaskGroup(of: Void.self) { group in
            for job in 0..<ProcessInfo.processInfo.activeProcessorCount {
                group.addTask { try await onThread(named: "simulation \(job)") { seeds.run(through: last) } }
            }
            try await group.waitForAll()
        }
        #expect(seeds.findings == [], "to see one: swift run simulate SEED")
        let missing = Set(SteppingPlan.Event.allCases).subtracting(seeds.met)
        #expect(missing.isEmpty || last < 100, "trouble that is never met: \(missing)")
    }

    @Test func theSameSeedGivesTheSameTrace() async throws {
        for seed in [3, 17, 42, 99, 130, 269] as [UInt64] {
            let reports = try await onThread(named: "simulation") {
                (0..<2).map { _ in SteppingRun.run(SteppingPlan(seed: seed), isTraced: true) }
            }
            #expect(reports[0].trace.count > 100, "seed \(seed)")
            #expect(reports[0].trace == reports[1].trace, "seed \(seed)")
            #expect(reports[0].fingerprint == reports[1].fingerprint, "seed \(seed)")
        }
    }

    /// A generator whose neighbouring seeds give the same first draws would run one simulation many times.
    @Test func neighbouringSeedsHaveNothingInCommon() async throws {
        let plans = (1...1_000).map { SteppingPlan(seed: UInt64($0)) }
        for count in 1...4 {
            let share = plans.count { $0.partitions == count }
            #expect((200...300).contains(share), "\(share) of 1000 seeds have \(count) partitions")
        }
        let pairs = zip(plans, plans.dropFirst()).count {
            $0.partitions == $1.partitions && $0.processes == $1.processes && $0.records == $1.records
        }
        #expect(pairs < 50, "\(pairs) of 999 neighbours are of one shape")
        let firsts = (1...1_000 as ClosedRange<UInt64>).map { seed in
            var random = SeededRandom(seed: seed)
            return random.next()
        }
        #expect(Set(firsts.map { $0 & 0xffff }).count > 980)
        let fingerprints = try await onThread(named: "simulation") {
            (1...30 as ClosedRange<UInt64>).map { SteppingRun.run(SteppingPlan(seed: $0)).fingerprint }
        }
        #expect(Set(fingerprints).count == 30)
    }

    /// A plan of one process that reads two partitions, whose faults the test brings about.
    private static func quiet(_ seed: UInt64, processes: Int = 1) -> SteppingPlan {
        var plan = SteppingPlan(seed: seed)
        (plan.partitions, plan.processes, plan.sources) = (2, processes, 1)
        (plan.readsFiles, plan.refuses, plan.available) = (false, false, 100)
        plan.events = []
        return plan
    }

    /// The database goes back when all is read, and then another instance claims the partitions and is never heard of again.
    /// Nothing more is to be written, so no fence tells.
    @Test(arguments: 1...10 as ClosedRange<UInt64>)
    func whatWasRestoredAndThenTakenOverIsReadOn(seed: UInt64) async throws {
        let report = try await onThread(named: "simulation") {
            SteppingRun.run(Self.quiet(seed)) { world in
                _ = world.wait(.seconds(1)) { world.progress > 200 }
                world.backUp()
                _ = world.wait(.seconds(600)) { world.isComplete }
                world.restore()
                try world.takeOver()
            }
        }
        #expect(report.findings == [])
    }

    /// Two processes that are both told that everything is theirs: one reads, the other waits.
    @Test(arguments: 1...10 as ClosedRange<UInt64>)
    func twoThatAreAliveDoNotTakePartitionsFromEachOther(seed: UInt64) async throws {
        var plan = Self.quiet(seed, processes: 2)
        plan.shape.patience = .seconds(3_600)
        let report = try await onThread(named: "simulation") { [plan] in
            SteppingRun.run(plan) { world in
                try world.assignAllToAll()
                _ = world.wait(.seconds(600)) { world.isComplete }
                // Two by the group's first word, and each process once by its second.
                world.expect(world.claims <= 6, "partitions were claimed \(world.claims) times")
            }
        }
        #expect(report.findings == [])
    }

    /// The database goes back to when the partitions had another owner.
    @Test(arguments: 1...10 as ClosedRange<UInt64>)
    func ownerEpochsThatGoBackAreClaimedAgain(seed: UInt64) async throws {
        let report = try await onThread(named: "simulation") {
            SteppingRun.run(Self.quiet(seed, processes: 2)) { world in
                world.backUp()
                for _ in 0..<3 { try world.makeZombie() }
                _ = world.wait(.seconds(5)) { world.progress > 300 }
                world.restore()
            }
        }
        #expect(report.findings == [])
    }

    /// Before: what had been read of a log that was then deleted stayed owed for ever, and the process ended with an error
    /// although everything that there was had been committed.
    @Test(arguments: 1...10 as ClosedRange<UInt64>)
    func whatADeletedLogHeldIsNotOwed(seed: UInt64) async throws {
        var plan = Self.quiet(seed)
        plan.shape.interval = .seconds(5)
        let report = try await onThread(named: "simulation") { [plan] in
            SteppingRun.run(plan) { world in
                _ = world.wait(.seconds(1)) { world.uncommitted > 100 }
                world.replaceLog(records: 5)
            }
        }
        #expect(report.findings == [])
    }
}
