import Foundation
import Platform
import Testing

/// Processes that are killed at any moment, or stopped, leave no trace in the tables. Events are produced meanwhile.
@Suite struct KillTests {
    private static let seed: UInt64 = 20_261

    /// Settings under which commits are frequent, so that kills meet them.
    private static let restless = ["batch_bytes": "16KiB", "commit_interval": "10ms"]

    /// Runs `body` on a log that it produces as it goes, then the same log once undisturbed, and compares.
    private func compare(
        _ name: String, events: Int, seed: Int,
        _ body:
            @escaping @Sendable (IdentityLog, IdentityTopology, TestDatabase, inout EventWriter) throws ->
            [MillraceProcess]
    ) async throws {
        try await onOwnThread {
            try IdentityLog.whileBrokersLive(name, events: events, seed: seed) { log, name in
                try Self.compareOnce(name, log, body)
            }
        }
    }

    private static func compareOnce(
        _ name: String, _ log: IdentityLog,
        _ body: (IdentityLog, IdentityTopology, TestDatabase, inout EventWriter) throws -> [MillraceProcess]
    ) throws {
        let database = try TestDatabase(name)
        var topology = log.topology(name)
        topology.settings = restless
        var writer = try log.writer()
        let processes = try body(log, topology, database, &writer)
        try writer.finish()
        try log.checkFilled()
        try database.waitUntilRead(log.count, by: processes)
        try stopInOrder(processes)
        let disturbed = try IdentityOutcome(database, messages: log.count)
        let clean = try log.run("\(name)_clean")
        #expect(clean.problems == [])
        #expect(disturbed.problems == [], "seed \(seed)")
        #expect(disturbed.dump.differences(from: clean.dump) == [], "seed \(seed)")
    }

    @Test func fiftyKillsOfASingleInstanceChangeNothing() async throws {
        let kills = 50
        try await compare("killed", events: 30_000, seed: 2) { log, topology, database, writer in
            // A killed member is in the way of the next one until its session ends.
            var random = SeededRandom(seed: Self.seed)
            var livesWithCommits = 0
            for kill in 1...kills {
                try writer.write(upTo: log.count * kill / (kills + 1))
                let before = try database.messagesRead()
                let process = try log.start(topology, database)
                // Some are hit while they start, some while they take their partitions, most while they commit.
                switch Int.random(in: 0..<10, using: &random) {
                case 0...2:
                    process.live(for: .milliseconds(Int.random(in: 20...900, using: &random)))
                case 3...4:
                    try process.waitUntil("assigned") { process.errors.contains("Partitions assigned") }
                    process.live(for: .milliseconds(Int.random(in: 0...300, using: &random)))
                default:
                    try process.waitUntil("a commit") { try database.messagesRead() > before }
                    process.live(for: .milliseconds(Int.random(in: 0...60, using: &random)))
                }
                let wasRunning = process.isRunning
                #expect(wasRunning, "seed \(Self.seed), life \(kill) ended by itself: \(process.lastWords)")
                process.kill()
                if try database.messagesRead() > before { livesWithCommits += 1 }
            }
            // Kills that only ever meet processes without work would show nothing.
            #expect(livesWithCommits >= kills / 4, "seed \(Self.seed): \(livesWithCommits) of \(kills) lives committed")
            return [try log.start(topology, database)]
        }
    }

    @Test func killsOfOneOfThreeInstancesChangeNothing() async throws {
        let kills = 16
        try await compare("one_of_three", events: 30_000, seed: 3) { log, topology, database, writer in
            var random = SeededRandom(seed: Self.seed)
            var processes = try (0..<3).map { _ in try log.start(topology, database) }
            for kill in 1...kills {
                let before = try database.messagesRead()
                try writer.write(upTo: log.count * kill / (kills + 1))
                // Every other kill waits for the takeover of what the last victim had; the rest come in its midst.
                if kill.isMultiple(of: 2) {
                    try database.waitUntilRead(writer.produced, by: processes)
                } else {
                    try database.waitUntilRead(Int(before) + 1, by: processes)
                }
                let victim = Int.random(in: 0..<3, using: &random)
                processes[victim].live(for: .milliseconds(Int.random(in: 0...400, using: &random)))
                let wasRunning = processes[victim].isRunning
                #expect(wasRunning, "seed \(Self.seed), kill \(kill): \(processes[victim].lastWords)")
                processes[victim].kill()
                processes[victim] = try log.start(topology, database)
            }
            return processes
        }
    }

    /// An instance that is frozen for longer than its session comes back believing that its partitions are its own.
    @Test func frozenInstancesChangeNothing() async throws {
        let rounds = 5
        try await compare("frozen", events: 20_000, seed: 14) { log, topology, database, writer in
            var random = SeededRandom(seed: Self.seed)
            let processes = try (0..<2).map { _ in try log.start(topology, database) }
            for round in 1...rounds {
                let before = try database.messagesRead()
                try writer.write(upTo: log.count * round / (rounds + 1))
                try database.waitUntilRead(Int(before) + 1, by: processes)
                let victim = processes[Int.random(in: 0..<2, using: &random)]
                victim.live(for: .milliseconds(Int.random(in: 0...50, using: &random)))
                victim.freeze()
                // The other one takes over what it had. (Unless it sleeps in the midst of a transaction: then its locks
                // hold until it is back or its connection is cut, and this only passes the time.)
                victim.live(for: log.stand.sessionTimeout + log.stand.sessionTimeout)
                victim.thaw()
                try database.waitUntilRead(writer.produced, by: processes)
            }
            return processes
        }
    }

    /// Two groups for one topology is a mistake: the one that came last has the partitions, the other stands still.
    @Test func aSecondGroupTakesOverAndNothingIsCountedTwice() async throws {
        try await compare("second_group", events: 10_000, seed: 15) { log, topology, database, writer in
            try writer.write(upTo: log.count / 2)
            let first = try log.start(topology, database)
            try database.waitUntilRead(log.count / 4, by: [first])
            var other = log.topology("second_group_other")
            other.settings = topology.settings
            let second = try log.start(other, database)
            try second.waitUntil("assigned") { second.errors.contains("Partitions assigned") }
            try writer.write(upTo: log.count * 3 / 4)
            try database.waitUntilRead(writer.produced, by: [second])
            try writer.write(upTo: log.count)
            try first.waitUntil("it notices") { first.errors.contains("Rewinding to the last commit") }
            return [first, second]
        }
    }

    @Test func stopsAndRestartsChangeNothing() async throws {
        try await compare("stopped", events: 20_000, seed: 4) { log, topology, database, writer in
            var random = SeededRandom(seed: Self.seed)
            let stops = 6
            for stop in 1...stops {
                try writer.write(upTo: log.count * stop / stops)
                let before = try database.messagesRead()
                let process = try log.start(topology, database)
                try database.waitUntilRead(Int(before) + 1, by: [process])
                process.live(for: .milliseconds(Int.random(in: 0...100, using: &random)))
                try stopInOrder([process], mayGiveUp: true)
            }
            // When everything is read already it is stopped at once, and must have begun.
            let last = try log.start(topology, database)
            try last.waitUntil("assigned") { last.errors.contains("Partitions assigned") }
            return [last]
        }
    }
}

extension MillraceProcess {
    /// Waits for something it does.
    /// - Throws: when it ends before.
    func waitUntil(_ what: String, _ condition: () throws -> Bool) throws {
        try eventually("\(what); \(lastWords)") {
            if try condition() { return true }
            if !isRunning { throw Failure(description: "ended before \(what): \(lastWords)") }
            return false
        }
    }

    /// Lets it live for a while, less if it ends.
    func live(for duration: Duration) {
        let end = ContinuousClock.now + duration
        while isRunning, ContinuousClock.now < end { usleep(1_000) }
    }
}
