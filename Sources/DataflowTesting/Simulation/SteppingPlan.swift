import Dataflow
import Platform

/// What a seed decides of a simulation: its shape, and what befalls it. Each seed draws some kinds of trouble and leaves out
/// others, so that none hides behind another (A. Groce and others, "Swarm Testing", 2012).
package struct SteppingPlan: Sendable {
    /// Something that befalls a simulation.
    package enum Event: CaseIterable, Sendable {
        case move, zombie, takeover, backUp, restore, freeze, stop, cancel, kill, replaceLog, discard, ask, skip, append
    }

    /// The seed.
    package let seed: UInt64
    /// What the database does wrong.
    package let flaw: ModelTarget.Flaw
    /// Partitions of the log.
    package var partitions = 1
    /// Records of all partitions together.
    package var records = 1_000
    /// In percent, how much of the log is there from the beginning.
    package var available = 100
    /// In percent, how likely a stretch of tombstones begins at a record.
    package var tombstones = 0
    /// Processes at the beginning.
    package var processes = 1
    /// Sources of each process, among which the partitions are divided.
    package var sources = 1
    /// Whether sources read their partitions to the ends and return.
    package var readsFiles = false
    /// Whether the database refuses some rows.
    package var refuses = false
    /// What calls of the database meet.
    package var faults = ModelTarget.Faults()
    /// How sources read.
    package var style = SteppingSource.Style()
    /// How processes are made.
    package var shape = SteppingInstance.Shape()
    /// What befalls them.
    package var events: [Event] = []
    /// Whether the last of these comes when nearly everything is in the tables.
    package var strikesAtTheEnd = false
    /// Whether the database refuses the last record of each partition, so that no last epoch is committed at once.
    package var refusesTheLast = false
    /// What befalls them when everything has been read.
    package var lateEvents: [Event] = []
    /// Whether a process is killed or given up.
    var hasGivenUp: Bool { (events + lateEvents).contains { $0 == .cancel || $0 == .kill } }

    /// What a seed says.
    /// - Parameter flaw: what the database does wrong.
    package init(seed: UInt64, flaw: ModelTarget.Flaw = .none) {
        self.seed = seed
        self.flaw = flaw
        // Neighbours begin with numbers that have nothing to do with each other.
        var random = SeededRandom(seed: SeededRandom.mix(SeededRandom.mix(seed) ^ seed))
        partitions = 1 + random.below(4)
        readsFiles = random.chance(15)
        processes = readsFiles ? 1 : 1 + random.below(3)
        sources = 1 + random.below(min(3, partitions))
        records = random.pick([400, 800, 1_000, 1_200])
        refuses = random.chance(25)
        faults.commit = random.pick([0, 10, 40])
        faults.frozen = random.pick([0, 0, 2])
        faults.turn = random.pick([0, 33, 100])
        style.portion = random.pick([5, 20, 60])
        style.haste = random.pick([10, 50, 100])
        style.keepsAlive = random.chance(70)
        shape.workers = 1 + random.below(3)
        shape.concurrency = random.pick([nil, 1, 2])
        shape.tallies = 1 + random.below(2)
        shape.isStaged = random.chance(40)
        shape.interval = random.pick([.milliseconds(1), .milliseconds(20), .milliseconds(250)])
        shape.batchBytes = random.pick([256, 1_024, 4_096])
        if random.chance(20) { available = random.pick([0, 30]) }
        events = Self.events(&random, readsFiles: readsFiles, grows: available < 100)
        if random.chance(35) {
            available = min(available, 80)
            lateEvents = random.pick(readsFiles ? Self.lateForFiles : Self.lateForGroups)
        }
        drawTheEnd(&random)
        tombstones = random.pick([0, 0, 1, 10])
        shape.sharesPermits = random.chance(20)
    }

    /// Ends are rare among all that happens, and much goes wrong there: the last epoch of files and of what is given back has
    /// nobody after it who would find out, who gives up does so at a call that hangs, and a restore comes during a commit.
    private mutating func drawTheEnd(_ random: inout SeededRandom) {
        strikesAtTheEnd = random.chance(readsFiles ? 50 : 20)
        refusesTheLast = random.chance(readsFiles ? 70 : 5)
        refuses = refuses || refusesTheLast
        if readsFiles { style.linger = random.pick([.zero, .milliseconds(2), .milliseconds(30)]) }
        if events.contains(.cancel) || events.contains(.restore), random.chance(70) { faults.frozen = 10 }
    }

    /// What is found out only by those who have nothing more to write, or to write of some partitions only.
    private static let lateForFiles: [[Event]] = [
        [.restore, .takeover], [.restore, .append], [.restore], [.takeover, .append], [.stop],
    ]
    private static let lateForGroups: [[Event]] =
        lateForFiles + [
            [.restore, .append], [.restore, .takeover], [.zombie], [.replaceLog], [.ask, .append],
        ]

    private static func events(_ random: inout SeededRandom, readsFiles: Bool, grows: Bool) -> [Event] {
        var kinds = Event.allCases.filter { _ in random.chance(30) }
        // Files are not moved from process to process.
        if readsFiles { kinds.removeAll { $0 == .move || $0 == .zombie || $0 == .skip } }
        if kinds.contains(.restore) { kinds.append(.backUp) }
        guard !kinds.isEmpty else { return [] }
        var events = (0..<random.below(8)).map { _ in random.pick(kinds) }
        // Without a copy there is nothing to go back to.
        if let first = events.firstIndex(of: .restore), !events[..<first].contains(.backUp) {
            events.insert(.backUp, at: first)
        }
        if grows { events.append(.append) }
        // A source that errs does so once: twice without getting any further, it is given up.
        if let first = events.firstIndex(of: .skip) {
            events = events.enumerated().filter { $0.element != .skip || $0.offset == first }.map(\.element)
        }
        return events
    }
}
