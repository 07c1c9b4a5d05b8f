import Dataflow
import Platform
import Synchronization

/// What calls of a model's target meet.
extension ModelTarget {
    enum Fault { case none, transient, lostAfterCommit, lostBeforeCommit, lostUndecided }

    func nextFault(_ random: inout SeededRandom) -> Fault {
        guard random.chance(faults.commit) else { return .none }
        let faults: [Fault] = [.transient, .lostAfterCommit, .lostBeforeCommit, .lostUndecided]
        return faults[random.below(scheduler == nil ? 3 : 4)]
    }

    /// Something that another thread may come before.
    func reach(_ place: @autoclosure () -> String) { scheduler?.reach(place()) }

    /// Something that tells runs apart.
    func note(_ text: @autoclosure () -> String) { scheduler?.note(text()) }

    /// A call on its way to the database; some take long.
    /// - Throws: `WaitCancelled` when the pipeline gave up meanwhile.
    func call(_ place: String, _ context: CommitContext) throws {
        guard let scheduler else { return }
        scheduler.note(place)
        scheduler.reach(place)
        let delay = random.withLock { random -> Duration in
            if random.chance(faults.frozen) { return .milliseconds(random.below(60_000)) }
            return .microseconds(random.below(3_000))
        }
        if delay >= .seconds(1) { scheduler.note("is frozen for \(delay)") }
        // Every other frozen call ends when the pipeline gives up, as one does whose statement is watched.
        if delay >= .seconds(1), random.withLock({ $0.chance(50) }) {
            try context.pause(delay)
        } else {
            scheduler.sleep(delay)
        }
        database.settle(at: scheduler.now)
        scheduler.reach(place)
    }

    /// Waits before another try; in a simulation the longer the more there were.
    func pause(_ context: CommitContext, _ tries: Int = 0) throws {
        try context.pause(scheduler == nil ? .microseconds(200) : .milliseconds(2 + min(tries, 50)))
    }
}
