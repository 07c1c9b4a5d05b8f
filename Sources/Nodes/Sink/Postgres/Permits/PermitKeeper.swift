import Dataflow
import Platform
import Postgres

/// Keeps what a process holds of the permits that all share: one thread, one connection of its own.
///
/// It waits for news of others (`NOTIFY`), for needs of its nodes, and for the next moment at which the row must be read
/// again. As long as there are permits enough for all, a batch costs no word with the database.
final class PermitKeeper: PermitLender {
    private let settings: ConnectionSettings
    private let rows: PermitRows

    init(_ settings: ConnectionSettings, _ rows: PermitRows) { (self.settings, self.rows) = (settings, rows) }

    func lend(to gates: [PermitGate], _ context: CommitContext) throws {
        let bell = try Bell()
        for gate in gates { gate.onNeed { bell.ring() } }
        defer { for gate in gates { gate.onNeed {} } }
        var desk = Desk(gates, bell, settings, rows, context)
        try desk.run()
    }
}

/// The keeper's thread.
private struct Desk: ~Copyable {
    /// One node.
    private struct Account {
        let gate: PermitGate
        var agent: PermitAgent
        var version: Int64 = 0
        /// From then on nothing that was lent counts; nil while nothing is.
        var goodUntil: ContinuousClock.Instant?
    }

    private let settings: ConnectionSettings
    private let rows: PermitRows
    private let context: CommitContext
    private let bell: Bell
    private var accounts: [Account]
    private var connection: Connection?
    /// Whether the rows could ever be read: what cannot pass stops a first start.
    private var hasWorked = false
    private var pause = PermitLimits.pauseFirst
    private var mustRead = true
    private var nextReading = ContinuousClock.now
    private var nextThought: ContinuousClock.Instant?

    init(
        _ gates: [PermitGate], _ bell: Bell, _ settings: ConnectionSettings, _ rows: PermitRows,
        _ context: CommitContext
    ) {
        (self.settings, self.rows, self.context, self.bell) = (settings, rows, context, bell)
        accounts = gates.map { Account(gate: $0, agent: PermitAgent(instance: rows.instance, mark: 0, at: .now)) }
    }

    private var nodes: [String] { accounts.map(\.gate.node) }

    mutating func run() throws {
        while !context.isCancelled {
            do {
                try connect()
                if mustRead || .now >= nextReading { try read() }
                try settle()
                try wait()
            } catch let error as PostgresError {
                try lose(error)
            }
        }
        leave()
    }

    // MARK: - The connection

    private mutating func connect() throws {
        guard connection == nil else { return }
        // Not beyond the moment at which what was lent ends.
        let end = accounts.compactMap(\.goodUntil).min()
        var fresh = try Connection.connect(
            settings, deadline: min(.now + PermitLimits.connect, end ?? .now + PermitLimits.connect),
            isCancelled: { [context] in context.isCancelled })
        let mark = try rows.enter(nodes, &fresh)
        connection = consume fresh
        for index in accounts.indices { accounts[index].agent.mark = mark }
        mustRead = true
    }

    /// What was lent counts for a while longer, since the row stands.
    private mutating func lose(_ error: PostgresError) throws {
        connection = nil
        if context.isCancelled { return }
        guard error.isRetryable || hasWorked else {
            throw SinkError(code: .refused, description: "postgres \(settings.redactedDescription): \(error)")
        }
        for account in accounts {
            context.report(
                trouble: "the database that lends the permits of its cluster_concurrency cannot be asked: \(error)",
                of: account.gate.node)
        }
        let until = ContinuousClock.now + pause
        pause = min(pause * 2, PermitLimits.pauseLongest)
        while !context.isCancelled {
            withdrawExpired()
            let end = accounts.compactMap(\.goodUntil).min().map { min($0, until) } ?? until
            guard .now < end else { if .now < until { continue } else { return } }
            do { try context.pause(end - .now) } catch { return }
        }
    }

    private mutating func withdrawExpired() {
        for index in accounts.indices {
            guard let end = accounts[index].goodUntil, end <= .now else { continue }
            accounts[index].goodUntil = nil
            accounts[index].gate.withdraw()
        }
    }

    // MARK: - Rows

    private mutating func read() throws {
        let asked = ContinuousClock.now
        let found = try rows.read(nodes, &connection!)
        for index in accounts.indices {
            guard let row = found[accounts[index].gate.node] else {
                // Somebody has removed it: with a new session it is made anew.
                throw PostgresError(.connection, "a row of millrace.permits is gone", isConnectionLost: true)
            }
            accounts[index].agent.read(row.reading, at: .now)
            accounts[index].version = row.version
            let need = accounts[index].gate.takeNeed()
            let decision = accounts[index].agent.decide(need, at: .now)
            if decision.isExceeded {
                // The row knows better: what is in use beyond it may be another's already.
                accounts[index].goodUntil = nil
                accounts[index].gate.withdraw()
            } else if decision.isRegistered {
                accounts[index].goodUntil = asked + PermitLimits.keep
            }
        }
        mustRead = false
        if !hasWorked || pause != PermitLimits.pauseFirst {
            for account in accounts { context.report(trouble: nil, of: account.gate.node) }
        }
        (hasWorked, pause) = (true, PermitLimits.pauseFirst)
    }

    /// Lends what the rows say, and exchanges them where they are to say something else.
    private mutating func settle() throws {
        (nextReading, nextThought) = (.now + PermitLimits.idleReading, nil)
        for index in accounts.indices {
            var exchanges = 0
            while try !settle(index) {
                exchanges += 1
                guard exchanges < PermitLimits.exchangesMax else {
                    nextReading = min(nextReading, .now + PermitLimits.window)
                    break
                }
                try read()
            }
        }
    }

    /// - Returns: false when the row has changed since it was read.
    private mutating func settle(_ index: Int) throws -> Bool {
        let gate = accounts[index].gate
        var decision = accounts[index].agent.decide(gate.takeNeed(), at: .now)
        lend(decision, index)
        if decision.row != nil {
            // From now on no more is taken than allowed, so what is free can be given away.
            decision = accounts[index].agent.decide(gate.takeNeed(), at: .now)
        }
        if let row = decision.row {
            let asked = ContinuousClock.now
            guard let version = try rows.exchange(row, of: gate.node, version: accounts[index].version, &connection!)
            else { return false }
            accounts[index].version = version
            accounts[index].agent.wrote(row)
            accounts[index].goodUntil = asked + PermitLimits.keep
            decision = accounts[index].agent.decide(gate.takeNeed(), at: .now)
            lend(decision, index)
        }
        nextReading = min(nextReading, decision.nextReading)
        if let thought = decision.nextThought { nextThought = nextThought.map { min($0, thought) } ?? thought }
        return true
    }

    private func lend(_ decision: PermitAgent.Decision, _ index: Int) {
        guard decision.isRegistered, let end = accounts[index].goodUntil else { return }
        accounts[index].gate.lend(decision.loan, until: end)
    }

    /// Waits until others have changed something, a node needs something, or it is time.
    private mutating func wait() throws {
        let end = nextThought.map { min($0, nextReading) } ?? nextReading
        guard let news = try connection!.nextNotification(until: end, orInputOf: bell.descriptor) else {
            return bell.hear()
        }
        mustRead = rows.concerns(news.payload)
        while let more = try connection!.nextNotification(until: .now) {
            if rows.concerns(more.payload) { mustRead = true }
        }
    }

    // MARK: - The end

    /// Gives everything back that is not in use.
    private mutating func leave() {
        guard connection != nil else { return }
        let end = ContinuousClock.now + PermitLimits.giveBack
        for index in accounts.indices where accounts[index].gate.takeNeed().used == 0 {
            var tries = 0
            while .now < end, tries < PermitLimits.exchangesMax {
                tries += 1
                do {
                    let row = accounts[index].agent.withoutOwn
                    let node = accounts[index].gate.node
                    let version = try rows.exchange(
                        row, of: node, version: accounts[index].version, within: end - .now, &connection!)
                    if version != nil { break }
                    guard let found = try rows.read([node], &connection!)[node] else { break }
                    accounts[index].agent.read(found.reading, at: .now)
                    accounts[index].version = found.version
                } catch {
                    // What is not given back is free when this session has been gone for a while.
                    return
                }
            }
        }
        connection = nil
    }
}
