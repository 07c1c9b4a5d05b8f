import Dispatch
package import Platform

/// Runs some threads one at a time. At every step, a lock taken or let go of, a wait, a call of a model, the seed says who
/// goes on. Time passes a little with every step, and jumps when all are waiting for it.
///
/// `@unchecked Sendable`: everything is touched by the one thread that runs, and handing on is a semaphore.
package final class SteppingScheduler: Scheduler, @unchecked Sendable {
    /// How a simulation ended.
    package enum Ending: Sendable {
        /// Every thread has returned.
        case finished
        /// Nobody can go on, and no moment will change that; where each thread stands. The threads stay as they are.
        case stuck(String)
        /// More steps than any right run takes; where each thread stands. The threads stay as they are.
        case endless(String)
    }

    /// Threads of one process: they can be frozen together.
    package final class Crew: @unchecked Sendable {
        let name: String
        fileprivate(set) var frozenUntil: Int64 = 0

        package init(_ name: String) { self.name = name }
    }

    final class Member {
        let name: String
        let crew: Crew
        let gate = DispatchSemaphore(value: 0)
        /// How much more often than others it is chosen.
        var weight: Int
        var standing = Standing.ready
        var isWoken = false
        /// What it does, for reports.
        var place = "begins"

        init(name: String, crew: Crew, weight: Int) {
            self.name = name
            self.crew = crew
            self.weight = weight
        }
    }

    enum Standing {
        case ready
        /// Waits at a monitor, or at none, until a moment in nanoseconds since the start; `Int64.max` is never.
        case waiting(ObjectIdentifier?, Waiters, until: Int64)
        case ended
    }

    private let start = ContinuousClock.now
    private let done = DispatchSemaphore(value: 0)
    var random: SeededRandom
    var members: [Member] = []
    /// The one that runs; nil before and after.
    var current: Member?
    /// Nanoseconds since the start.
    var elapsed: Int64 = 0
    /// Locks the running thread holds.
    private var held = 0
    private let stepsMax: Int
    /// Steps so far.
    package private(set) var steps = 0
    /// How long a step takes, in nanoseconds.
    private let pace: Int64
    /// In how many of 256 steps the running thread goes on.
    private let persistence: UInt64
    private var ending = Ending.finished
    private var digest: UInt64 = 0
    private var lines: [String]?

    /// A scheduler by a seed.
    /// - Parameter isTraced: whether it keeps what happened as text.
    package init(seed: UInt64, stepsMax: Int = 200_000, isTraced: Bool = false) {
        random = SeededRandom(seed: SeededRandom.mix(seed ^ 0x5eed))
        self.stepsMax = stepsMax
        pace = random.pick([1_000, 10_000, 50_000, 200_000])
        persistence = random.pick([64, 160, 220, 245])
        lines = isTraced ? [] : nil
    }

    /// What happened, line by line, if it was kept.
    package var trace: [String] { lines ?? [] }

    /// A number that tells what happened: the same for the same run.
    package var fingerprint: UInt64 { digest }

    // MARK: Time

    /// The present moment.
    package var now: ContinuousClock.Instant { start + .nanoseconds(elapsed) }

    /// How long the simulation has lasted, by its own clock.
    package var time: Duration { .nanoseconds(elapsed) }

    private func nanoseconds(_ duration: Duration) -> Int64 {
        let (seconds, attoseconds) = duration.components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }

    // MARK: Threads

    /// Runs `body` as the first thread, and returns when every thread has returned, or none can.
    package func run(_ name: String, _ body: @escaping @Sendable () -> Void) throws(NoThread) -> Ending {
        let first = try add(name, Crew(name), body)
        current = first
        first.gate.signal()
        done.wait()
        if case .finished = ending { current = nil }
        return ending
    }

    /// Starts a thread of the same crew.
    package func start(name: String, _ body: @escaping @Sendable () -> Void) throws(NoThread) {
        guard let current else { preconditionFailure("a thread was started outside a simulation") }
        try start(name: name, of: current.crew, body)
    }

    /// Starts a thread of a crew.
    package func start(name: String, of crew: Crew, _ body: @escaping @Sendable () -> Void) throws(NoThread) {
        _ = try add(name, crew, body)
        reach("starts \(name)")
    }

    private func add(_ name: String, _ crew: Crew, _ body: @escaping @Sendable () -> Void) throws(NoThread) -> Member {
        let member = Member(name: name, crew: crew, weight: random.pick([1, 2, 4, 16]))
        members.append(member)
        let life = Life(scheduler: self, member: member, body: body)
        _ = try JoinableThread(name: name) { life.live() }
        return member
    }

    /// `@unchecked Sendable`: handed to the thread that it is the life of.
    private struct Life: @unchecked Sendable {
        let scheduler: SteppingScheduler
        let member: Member
        let body: @Sendable () -> Void

        func live() {
            member.gate.wait()
            body()
            scheduler.end(member)
        }
    }

    private func end(_ member: Member) {
        note("ends")
        member.standing = .ended
        members.removeAll { $0 === member }
        if members.isEmpty { return finish(.finished) }
        handOn(from: member)
    }

    private func finish(_ ending: Ending) {
        self.ending = ending
        done.signal()
    }

    // MARK: Steps

    /// A moment at which another thread may go on.
    package func reach(_ place: @autoclosure () -> String) {
        guard let current, held == 0 else { return }
        current.place = place()
        step(current)
    }

    package func willLock() {
        guard let current else { return }
        if held == 0 { step(current) }
        held += 1
    }

    package func didUnlock() {
        guard let current else { return }
        held -= 1
        if held == 0 { step(current) }
    }

    private func step(_ member: Member) {
        steps += 1
        elapsed += pace
        if random.next() % 256 < persistence, member.crew.frozenUntil <= elapsed, steps < stepsMax { return }
        handOn(from: member)
    }

    /// Lets others run for a while.
    package func sleep(_ duration: Duration) {
        guard let current else { preconditionFailure("a sleep outside a simulation") }
        precondition(held == 0, "a thread sleeps with a lock")
        current.standing = .waiting(nil, .all, until: elapsed + max(1, nanoseconds(duration)))
        handOn(from: current)
    }

    package func wait(
        at monitor: ObjectIdentifier, as group: Waiters, until deadline: ContinuousClock.Instant?
    ) -> Bool {
        guard let current else { preconditionFailure("a wait outside a simulation") }
        let moment = deadline.map { max(elapsed + 1, nanoseconds($0 - start)) } ?? .max
        current.standing = .waiting(monitor, group, until: moment)
        let mine = held
        held = 0
        handOn(from: current)
        held = mine
        return current.isWoken
    }

    package func wake(_ groups: Waiters, at monitor: ObjectIdentifier) {
        for member in members {
            guard case .waiting(let place?, let group, _) = member.standing, place == monitor,
                !groups.isDisjoint(with: group)
            else { continue }
            member.isWoken = true
            member.standing = .ready
        }
    }

    /// The crew stands still for a while; its threads go on where they were.
    package func freeze(_ crew: Crew, for duration: Duration) {
        crew.frozenUntil = max(crew.frozenUntil, elapsed + nanoseconds(duration))
        note("\(crew.name) freezes for \(duration)")
    }

    /// Whether a crew stands still.
    package func isFrozen(_ crew: Crew) -> Bool { crew.frozenUntil > elapsed }

    /// The crew stands still until `thaw`.
    package func freeze(_ crew: Crew) {
        crew.frozenUntil = .max
        note("\(crew.name) freezes")
    }

    /// The crew goes on.
    package func thaw(_ crew: Crew) {
        crew.frozenUntil = 0
        note("\(crew.name) goes on")
    }

    /// Lets the chosen thread run, and the calling one wait until it is chosen.
    private func handOn(from member: Member) {
        if steps >= stepsMax { return stop(member, .endless(report)) }
        guard let next = choose() else { return stop(member, .stuck(report)) }
        if next === member { return }
        mix(UInt64(truncatingIfNeeded: elapsed) ^ UInt64(next.name.utf8.count) << 56)
        if lines != nil { add("→ \(next.crew.name)/\(next.name)") }
        current = next
        // From the signal on, everything but the gate is the next one's.
        let isOver = if case .ended = member.standing { true } else { false }
        next.gate.signal()
        if !isOver { member.gate.wait() }
    }

    /// A simulation that cannot go on: the thread waits for ever, since there is no way to take it back.
    private func stop(_ member: Member, _ ending: Ending) {
        let isOver = if case .ended = member.standing { true } else { false }
        finish(ending)
        if !isOver { member.gate.wait() }
    }

    private var report: String {
        let states = members.map { member in
            let wait =
                switch member.standing {
                case .waiting(_, _, until: .max): "waits"
                case .waiting: "waits for a while"
                case .ready, .ended: "is ready"
                }
            let ice = member.crew.frozenUntil > elapsed ? ", frozen" : ""
            return "\(member.crew.name)/\(member.name) \(wait)\(ice) (\(member.place))"
        }
        return "after \(steps) steps and \(time): " + states.joined(separator: "; ")
    }

    // MARK: Trace

    /// Something happened that tells runs apart.
    package func note(_ text: @autoclosure () -> String) {
        let text = text()
        current?.place = text
        for byte in text.utf8 { digest = (digest ^ UInt64(byte)) &* 0x100_0000_01b3 }
        if lines != nil { add("  \(current.map { "\($0.crew.name)/\($0.name): " } ?? "")\(text)") }
    }

    private func mix(_ value: UInt64) { digest = SeededRandom.mix(digest ^ value) }

    private func add(_ line: String) {
        let microseconds = String(elapsed / 1_000)
        lines?.append(String(repeating: " ", count: max(0, 10 - microseconds.count)) + microseconds + "  " + line)
    }
}
