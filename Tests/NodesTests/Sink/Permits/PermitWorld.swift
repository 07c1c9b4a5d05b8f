import Dataflow
import Platform

@testable import Nodes

/// A database with one row of permits, and processes that share them, under a clock of their own: whatever a seed has them
/// do and suffer, one step after the other.
struct PermitWorld {
    /// One process: what its keeper's thread does with its agent and its gate.
    struct Process {
        var agent: PermitAgent
        /// The lock of its session; nil without one.
        var mark: Int32?
        var limit: Int
        var work = 0
        var used = 0
        var peak = 0
        var wish = 0
        var loan = PermitGate.Loan(limit: 1)
        var goodUntil: ContinuousClock.Instant?
        var version = -1
        var asked: ContinuousClock.Instant
        var row: PermitBook?
        var isFrozen = false
        /// Whether it cannot reach the database, which others can.
        var isCutOff = false
        var nextStep: ContinuousClock.Instant
    }

    private(set) var now = ContinuousClock.now
    var processes: [String: Process] = [:]
    private(set) var book = PermitBook()
    private var version = 0
    private var live: Set<Int32> = []
    private var nextMark: Int32 = 1
    private var nextName = 1
    var isAway = false
    /// Bugs, for tests of the tests.
    var grace = PermitLimits.grace
    var exchangesBlindly = false
    private(set) var random: SeededRandom
    private(set) var most = 0
    let start: ContinuousClock.Instant

    init(seed: UInt64) {
        random = SeededRandom(seed: seed)
        start = now
    }

    var used: Int { processes.values.reduce(0) { $0 + $1.used } }

    mutating func chance(_ percent: Int) -> Bool { random.chance(percent) }
    mutating func below(_ bound: Int) -> Int { random.below(bound) }
    mutating func anyone() -> String? { processes.isEmpty ? nil : random.pick(processes.keys.sorted()) }

    // MARK: - What befalls them

    mutating func join(limit: Int) {
        let name = "p\(nextName)"
        nextName += 1
        processes[name] = Process(
            agent: PermitAgent(instance: name, mark: 0, at: now), mark: nil, limit: limit, asked: now, nextStep: now)
        processes[name]?.agent.grace = grace
    }

    mutating func loseSession(_ name: String) {
        if let mark = processes[name]?.mark { live.remove(mark) }
        processes[name]?.mark = nil
        processes[name]?.row = nil
    }

    mutating func toggleCut(_ name: String) {
        loseSession(name)
        processes[name]?.isCutOff.toggle()
    }

    mutating func toggleFrozen(_ name: String) { processes[name]?.isFrozen.toggle() }

    /// Its programs end with it, and its session.
    mutating func kill(_ name: String) {
        loseSession(name)
        processes[name] = nil
    }

    // MARK: - Time

    /// Lets time pass in steps of up to 100 ms, in which everybody does what there is to do.
    mutating func run(for duration: Duration) {
        let end = now + duration
        while now < end {
            now += .milliseconds(1 + random.below(100))
            for name in processes.keys.sorted() where random.chance(70) { step(name) }
        }
    }

    private mutating func step(_ name: String) {
        guard var process = processes[name], !process.isFrozen else { return }
        // Work begins and ends.
        let isGood = process.goodUntil.map { now < $0 } ?? false
        if !isGood { process.used = 0 }
        let ceiling = isGood ? min(process.loan.allowed, process.loan.limit) : 0
        if process.used > 0, process.used > ceiling || process.used > process.work || random.chance(30) {
            process.used -= 1
        }
        while process.used < min(ceiling, process.work), random.chance(80) { process.used += 1 }
        let wish = min(process.work, process.limit)
        process.peak = max(process.peak, wish)
        // The gate wakes the keeper.
        if wish > process.wish, wish > process.loan.held { process.nextStep = now }
        process.wish = wish
        processes[name] = process
        most = max(most, used)
        keep(name)
    }

    private func need(_ process: inout Process) -> PermitGate.Need {
        defer { process.peak = 0 }
        let wish = min(process.work, process.limit)
        return PermitGate.Need(
            limit: process.limit, used: process.used, wish: wish, peak: max(process.peak, wish))
    }

    /// The keeper's thread; reading and exchanging are two steps, with others in between.
    private mutating func keep(_ name: String) {
        guard !isAway, var process = processes[name], !process.isCutOff else { return }
        defer { processes[name] = process }
        if process.mark == nil {
            guard random.chance(30) else { return }
            process.mark = nextMark
            nextMark += 1
            live.insert(process.mark!)
            process.agent.mark = process.mark!
            process.nextStep = now
        }
        if let row = process.row {
            process.row = nil
            guard process.version == version || exchangesBlindly else {
                process.nextStep = now
                return
            }
            version += 1
            book = row
            process.version = version
            process.agent.wrote(row)
            process.goodUntil = now + PermitLimits.keep
            let decision = process.agent.decide(need(&process), at: now)
            if decision.isRegistered { process.loan = decision.loan }
            // All others are told.
            for other in processes.keys where other != name { processes[other]?.nextStep = now }
            return
        }
        guard now >= process.nextStep else { return }
        let seconds = (now - start) / .seconds(1)
        let left = PermitLimits.turnSeconds - seconds.truncatingRemainder(dividingBy: PermitLimits.turnSeconds)
        process.agent.read(
            PermitAgent.Reading(
                book: book, live: live, turn: Int(seconds / PermitLimits.turnSeconds), turnEnds: now + .seconds(left)),
            at: now)
        process.version = version
        var decision = process.agent.decide(need(&process), at: now)
        if decision.isExceeded {
            (process.used, process.goodUntil) = (0, nil)
            process.loan = PermitGate.Loan(limit: process.limit)
        } else if decision.isRegistered {
            process.goodUntil = now + PermitLimits.keep
        }
        if decision.isRegistered { process.loan = decision.loan }
        decision = process.agent.decide(need(&process), at: now)
        process.row = decision.row
        process.nextStep = min(decision.nextReading, decision.nextThought ?? decision.nextReading)
    }
}
