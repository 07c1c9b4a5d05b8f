import Foundation
import LocalServices
import Platform
import Postgres
import Synchronization
import Testing

@testable import Dataflow
@testable import Nodes

/// Keepers of several processes over one database: permits go where the work is, and nobody has one that another may have.
@Suite struct PermitKeeperTests {
    /// A process: a gate whose permits a keeper lends, and that ends what uses them when it is told to.
    private final class Process: Sendable {
        let gate: PermitGate
        private let isOver = Atomic(false)
        private let ends = Atomic(0)
        private let thread = Mutex<JoinableThread?>(nil)
        let failure = Mutex<String?>(nil)

        init(_ name: String, _ url: String, limit: Int) throws {
            gate = PermitGate(node: "n", limit: limit, own: nil, taker: .node)
            let keeper = PermitKeeper(
                try ConnectionSettings(url: url), PermitRows(topology: "t", instance: name))
            gate.onEnd { [weak self] in
                guard let self else { return }
                while gate.takeNeed().used > 0 { gate.giveBack() }
                ends.wrappingAdd(1, ordering: .relaxed)
            }
            let context = CommitContext(
                isCancelled: { [weak self] in self?.isOver.load(ordering: .relaxed) ?? true }, reportTrouble: { _ in },
                wait: { Thread.sleep(forTimeInterval: $0 / .seconds(1)) })
            let lent = gate
            let started = try JoinableThread(name: name) { [weak self] in
                do { try keeper.lend(to: [lent], context) } catch { self?.failure.withLock { $0 = "\(error)" } }
            }
            thread.withLock { $0 = started }
        }

        /// How often it had to end everything.
        var timesEnded: Int { ends.load(ordering: .relaxed) }

        /// It could use so many beside those that it has; takes what there is.
        func want(_ count: Int) {
            gate.note(idle: 0, unmet: count)
            while gate.take() { gate.note(idle: 0, unmet: max(0, count - gate.takeNeed().used)) }
        }

        /// Gives back what is asked for.
        func yield() { while gate.excess > 0 { gate.giveBack() } }

        func end() {
            gate.note(idle: 0, unmet: 0)
            while gate.takeNeed().used > 0 { gate.giveBack() }
            isOver.store(true, ordering: .relaxed)
            gate.wake()
            thread.withLock { $0 }?.join()
        }
    }

    private static func stand(_ name: String) throws -> TargetStand {
        let stand = try TargetStand(name)
        // Makes the tables.
        try stand.instance().target.close()
        return stand
    }

    @Test func permitsGoWhereTheWorkIs() async throws {
        let stand = try Self.stand("permits_go")
        try await onThread {
            let (a, b) = (try Process("a", stand.url, limit: 4), try Process("b", stand.url, limit: 4))
            try eventually("a has all four") {
                a.want(9)
                return a.gate.takeNeed().used == 4
            }
            // Both have work: each has two, as soon as one gives up what it is asked for.
            try eventually("both have two") {
                b.want(9)
                a.yield()
                return a.gate.takeNeed().used == 2 && b.gate.takeNeed().used == 2
            }
            #expect(try stand.number("SELECT sum(held) FROM millrace.permit_claims") == 4)
            // One has no more work.
            a.gate.note(idle: 2, unmet: 0)
            try eventually("b has all four") {
                a.yield()
                b.want(9)
                return b.gate.takeNeed().used == 4
            }
            // What they were told last.
            a.gate.tell(limit: 1)
            try eventually("one is left") {
                b.yield()
                return b.gate.takeNeed().used == 1
            }
            a.end()
            b.end()
            #expect(a.failure.withLock { $0 } == nil && b.failure.withLock { $0 } == nil)
            #expect(try stand.number("SELECT count(*) FROM millrace.permit_claims") == 0)
        }
    }

    /// A session that is lost and made anew is nothing that anybody notices.
    @Test func aLostSessionLosesNoPermit() async throws {
        let stand = try Self.stand("permits_lost")
        try await onThread {
            let (a, b) = (try Process("a", stand.url, limit: 1), try Process("b", stand.url, limit: 1))
            try eventually("a has it") {
                a.want(1)
                return a.gate.takeNeed().used == 1
            }
            b.want(1)
            let mark = "SELECT (book->'claims'->0->>'mark')::bigint FROM millrace.permits"
            for _ in 0..<3 {
                let before = try stand.number(mark)
                try stand.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = \(before)::oid"
                )
                try eventually("a is there again") { try stand.number(mark) != before }
                #expect(a.gate.isGood && a.timesEnded == 0)
                #expect(!b.gate.take())
            }
            a.end()
            try eventually("b has it") {
                b.want(1)
                return b.gate.takeNeed().used == 1
            }
            b.end()
        }
    }

    /// Who cannot reach the database has ended everything before another gets its permits, and goes on when it can.
    @Test func whoIsCutOffEndsBeforeOthersBegin() async throws {
        let stand = try Self.stand("permits_cut")
        let address = try #require(URLComponents(string: stand.url))
        let proxy = try FaultProxy(targetPort: UInt16(address.port ?? 5432))
        var through = address
        through.host = "127.0.0.1"
        through.port = Int(proxy.port)
        let url = try #require(through.string)
        try await onThread {
            let (a, b) = (try Process("a", url, limit: 2), try Process("b", stand.url, limit: 2))
            try eventually("a has both") {
                a.want(9)
                return a.gate.takeNeed().used == 2
            }
            proxy.refuse(true)
            proxy.cut()
            try eventually("b has both") {
                b.want(9)
                let need = b.gate.takeNeed()
                if need.used > 0 { #expect(a.timesEnded == 1 && a.gate.takeNeed().used == 0) }
                return need.used == 2
            }
            proxy.refuse(false)
            try eventually("each has one") {
                a.want(9)
                b.yield()
                return a.gate.takeNeed().used == 1 && b.gate.takeNeed().used == 1
            }
            a.end()
            b.end()
        }
    }
}
