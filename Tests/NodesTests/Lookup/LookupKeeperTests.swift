import Dataflow
import Logging
import Lookups
import Platform
import Synchronization
import Testing

@testable import Nodes

/// The life of a lookup's content: the first load, refreshes, failures, and age.
@Suite struct LookupKeeperTests {
    /// A store whose loads do as a test says.
    private final class ScriptedStore: LookupStore {
        let loads = Mutex<[@Sendable () throws -> Generation]>([])
        let count = Mutex(0)

        init(_ loads: [@Sendable () throws -> Generation]) { self.loads.withLock { $0 = loads } }

        func load(
            accept: (Generation) throws -> Void, isCancelled: @escaping @Sendable () -> Bool
        ) throws -> Generation {
            count.withLock { $0 += 1 }
            // The last one goes on for ever.
            let next = loads.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] }
            let generation = try next()
            try accept(generation)
            return generation
        }

        func makeReader() -> any LookupRows { preconditionFailure("no records here") }
    }

    /// A context whose waits take no time, and which ends after so many.
    private final class Waits: Sendable {
        let troubles = Mutex<[String?]>([])
        private let left: Mutex<Int>

        init(_ count: Int) { left = Mutex(count) }

        var context: CommitContext {
            CommitContext(
                isCancelled: { self.left.withLock { $0 <= 0 } },
                reportTrouble: { trouble in self.troubles.withLock { $0.append(trouble) } },
                wait: { _ in self.left.withLock { $0 -= 1 } })
        }
    }

    private static func plan(every: Duration = .seconds(1), staleness: Duration? = nil) -> LookupPlan {
        LookupPlan(
            node: "named", origin: .file("a.csv"),
            keys: [LookupPlan.Key(field: "k", column: 0, dimension: DimensionField("k", .text))], cells: [],
            missing: .null, schedule: LookupSchedule(every: every, maxStaleness: staleness))
    }

    private static func keeper(
        _ store: ScriptedStore, every: Duration = .seconds(1), staleness: Duration? = nil, isPatient: Bool = true
    ) -> LookupKeeper {
        LookupKeeper(
            plan(every: every, staleness: staleness), store, nil, isPatient: isPatient, logger: Logger(label: "test"))
    }

    private static func content(_ number: Int, rows: Int = 3) -> @Sendable () throws -> Generation {
        { Generation(number: number, digest: "d\(number)", rows: rows) }
    }

    private static let away: @Sendable () throws -> Generation = {
        throw LookupError(.source, "away", isRetryable: true)
    }

    @Test func whatIsAwayAtFirstIsWaitedForAndSaid() throws {
        let store = ScriptedStore([Self.away, Self.away, Self.content(1)])
        let waits = Waits(100)
        try Self.keeper(store).prepare(waits.context)
        #expect(store.count.withLock { $0 } == 3)
        #expect(waits.troubles.withLock { $0 } == ["away", "away", nil])
    }

    @Test func whatCannotBeRightIsNotWaitedFor() {
        let store = ScriptedStore([{ throw LookupError(.column, "no column x") }])
        let error = #expect(throws: LookupError.self) { try Self.keeper(store).prepare(Waits(100).context) }
        #expect(error?.code == .column)
        let trial = ScriptedStore([Self.away])
        #expect(throws: LookupError.self) { try Self.keeper(trial, isPatient: false).prepare(Waits(100).context) }
        #expect(trial.count.withLock { $0 } == 1)
    }

    @Test func aStopEndsTheWait() {
        let store = ScriptedStore([Self.away])
        #expect(throws: WaitCancelled.self) { try Self.keeper(store).prepare(Waits(3).context) }
    }

    /// Runs until `isDone`. Waits end at once, and are waited again until their moment has come.
    private static func run(_ keeper: LookupKeeper, until isDone: @escaping @Sendable () -> Bool) throws -> [String?] {
        let troubles = Mutex<[String?]>([])
        let context = CommitContext(
            isCancelled: isDone, reportTrouble: { trouble in troubles.withLock { $0.append(trouble) } },
            wait: { _ in })
        try keeper.prepare(context)
        try keeper.run(context)
        return troubles.withLock { $0 }
    }

    @Test func aRefreshThatFailsLeavesWhatIsThereAndIsTriedAgain() async throws {
        try await onThread(named: "keeper") {
            let store = ScriptedStore([Self.content(1), Self.away, Self.content(2), Self.content(2)])
            let troubles = try Self.run(Self.keeper(store, every: .milliseconds(10))) {
                store.count.withLock { $0 } >= 4
            }
            let said = troubles.compactMap(\.self)
            #expect(said == ["the content from before stays in use: away"], "\(troubles)")
            #expect(troubles.last == .some(nil), "\(troubles)")
        }
    }

    @Test func anEmptiedTableIsNotTakenOver() async throws {
        try await onThread(named: "keeper") {
            let store = ScriptedStore([Self.content(1), Self.content(2, rows: 0), Self.content(3)])
            let troubles = try Self.run(Self.keeper(store, every: .milliseconds(10))) {
                store.count.withLock { $0 } >= 4
            }
            #expect(
                troubles.compactMap(\.self) == [
                    "the content from before stays in use: node named: a.csv has no rows any more, and had 3; put rows in, or "
                        + "restart if it is meant to be empty"
                ], "\(troubles)")
        }
    }

    @Test func anEmptyTableIsTakenAtTheStart() throws {
        let store = ScriptedStore([Self.content(1, rows: 0)])
        try Self.keeper(store).prepare(Waits(10).context)
    }

    @Test func contentThatIsTooOldStopsTheTopology() async throws {
        try await onThread(named: "keeper") {
            let store = ScriptedStore([Self.content(1), Self.away])
            let keeper = Self.keeper(store, every: .milliseconds(10), staleness: .milliseconds(500))
            let error = #expect(throws: LookupError.self) { _ = try Self.run(keeper) { false } }
            // On a machine that stands still for so long, nothing was tried.
            let hasTried = store.count.withLock { $0 } > 1
            #expect(
                error?.code == .stale && error?.message.contains("the last try failed: away") == hasTried, "\(error)")
            #expect(keeper.isStale)
        }
    }
}
