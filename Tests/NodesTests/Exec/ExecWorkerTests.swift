import Dataflow
import Declaration
import Foundation
import JSON
import Logging
import Platform
import Synchronization
import Testing

@testable import Nodes

/// Records answered by real programs: right ones, and every kind of wrong one.
@Suite(.serialized) struct ExecWorkerTests {
    typealias Record = LookupStand.Record

    /// What became of the records of a batch.
    struct Found {
        /// By row, what was added to the records that go on.
        var rows: [Int: [String]] = [:]
        var letters: [DeadLetter] = []
        /// What stopped the topology.
        var failure: String?
        var troubles: [String?] = []

        var reasons: [String] { letters.map { "\($0.offset) \($0.fault.code): \($0.fault.reason)" } }
    }

    static let fields = [
        ExecPlan.Field(
            name: "twice", column: LookupStand.firstAdded,
            declaration: FieldDeclaration(path: ["twice"], type: .integer), typeName: "integer"),
        ExecPlan.Field(
            name: "word", column: LookupStand.firstAdded + 1,
            declaration: FieldDeclaration(path: ["word"], type: .text, textLengthMax: 1_000), typeName: "text"),
    ]

    static func plan(
        _ command: [String], mode: ExecPlan.Mode = .stream, timeout: Duration = .seconds(60),
        startup: Duration = .seconds(15), memory: Int? = nil, echo: String? = nil, environment: [String: String] = [:]
    ) -> ExecPlan {
        ExecPlan(
            node: "x", command: command, name: command[0], environment: environment,
            sent: [
                RecordSchema.Field(name: "k", type: .text, column: 0),
                RecordSchema.Field(name: "n", type: .integer, column: 1),
                RecordSchema.Field(name: "at", type: .timestamp, column: 2),
            ], fields: fields, echo: echo, mode: mode, timeout: timeout, startup: startup, attempts: 2,
            memoryMax: memory)
    }

    /// Has batches of records answered, one after the other.
    static func answer(_ plan: ExecPlan, _ batches: [Record]..., programs: Int = 1) throws -> [Found] {
        let exec = Exec(
            plan,
            pool: ProgramPool(plan, limit: programs, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }),
            hashedColumns: [LookupStand.firstAdded], memory: MemoryAccountant(budget: 256 << 20))
        let said = Mutex<(failure: String?, troubles: [String?])>((nil, []))
        try exec.begin(
            in: NodeContext(
                report: { trouble in said.withLock { $0.troubles.append(trouble) } },
                fail: { error in said.withLock { $0.failure = "\(error)" } }))
        defer { exec.close() }
        let worker = exec.makeWorker(in: StageSlot())
        return batches.map { records in
            let stand = LookupStand(records, added: [.integer, .text])
            var found = Found()
            worker.process(stand.batch, stand.all) { rows in
                for index in 0..<rows.count { found.rows[rows[index]] = stand.shown(rows[index], 2) }
            }
            found.letters = stand.batch.deadLetters
            said.withLock { (found.failure, found.troubles) = ($0.failure, $0.troubles) }
            return found
        }
    }

    static func records(_ count: Int) -> [Record] {
        (0..<count).map { Record(text: "r\($0)", number: Int64($0), at: Int64($0) * 1_000_001) }
    }

    static func expected(_ count: Int) -> [Int: [String]] {
        Dictionary(uniqueKeysWithValues: (0..<count).map { ($0, ["\(2 * $0)", "r\($0)"]) })
    }

    /// A program in Python that answers `answer` for a record `r`, and does something before its `n`-th line.
    static func python(_ before: String = "pass", answer: String = "{'twice': r['n']*2, 'word': r['k']}")
        -> [String]
    {
        [
            "python3", "-u", "-c",
            """
            import json, sys, os, time, signal
            n = 0
            for line in sys.stdin:
                n += 1
                r = json.loads(line)
                \(before)
                print(json.dumps(\(answer)))
            """,
        ]
    }

    // MARK: - Programs that are right

    @Test(arguments: [1, 3]) func everyRecordGetsItsAnswer(programs: Int) async throws {
        try await onThread(named: "test") {
            let found = try Self.answer(
                Self.plan(Self.python()), Self.records(3_000), Self.records(5), programs: programs)
            #expect(found[0].rows == Self.expected(3_000) && found[0].letters.isEmpty)
            #expect(found[1].rows == Self.expected(5))
        }
    }

    @Test func aProgramThatBuffersItsAnswersRunsInBatches() async throws {
        try await onThread(named: "test") {
            let command = ["jq", "-c", "{twice: (.n * 2), word: .k}"]
            let found = try Self.answer(Self.plan(command, mode: .batch), Self.records(9_000), programs: 2)[0]
            #expect(found.rows == Self.expected(9_000), "\(found.reasons.prefix(3))")
        }
    }

    @Test func whatItGetsIsTheRecordAsJSON() async throws {
        try await onThread(named: "test") {
            let odd = Record(text: "a \"b\" \\ \u{1} é", number: nil, at: -1)
            let command = Self.python(answer: "{'word': json.dumps(r, ensure_ascii=False)}")
            let found = try Self.answer(Self.plan(command, echo: nil), [odd])[0]
            #expect(
                found.rows == [
                    0: ["-", #"{"k": "a \"b\" \\ \u0001 é", "n": null, "at": "1969-12-31T23:59:59.999999Z"}"#]
                ], "\(found.rows) \(found.reasons)")
        }
    }

    @Test func nullLetsARecordGoNoFurther() async throws {
        try await onThread(named: "test") {
            let command = Self.python(answer: "{'twice': 2 * r['n'], 'word': r['k']} if r['n'] % 2 else None")
            let found = try Self.answer(Self.plan(command), Self.records(4))[0]
            #expect(found.rows == [1: ["2", "r1"], 3: ["6", "r3"]] && found.letters.isEmpty)
        }
    }

    @Test func variablesReachIt() async throws {
        try await onThread(named: "test") {
            let command = Self.python(answer: "{'word': os.environ['SECRET_OF_TEST'] + ' ' + os.environ['PATH'][:1]}")
            let plan = Self.plan(command, environment: ["SECRET_OF_TEST": "s3cret"])
            let found = try Self.answer(plan, Self.records(1))[0]
            #expect(found.rows == [0: ["-", "s3cret /"]])
        }
    }

    // MARK: - Permits that processes share

    /// Permits come and go while programs are at work: what ends with one is answered with the next, and no record is blamed.
    @Test func permitsThatEndCostNoRecord() async throws {
        try await onThread(named: "test") {
            var plan = Self.plan(Self.python("time.sleep(0.002)"))
            plan.attempts = 1
            let gate = PermitGate(node: "x", limit: 2, own: nil, taker: .node)
            let pool = ProgramPool(
                plan, limit: 1, gate: gate, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            let exec = Exec(
                plan, pool: pool, hashedColumns: [LookupStand.firstAdded], memory: MemoryAccountant(budget: 256 << 20))
            try exec.begin(in: NodeContext(report: { _ in }, fail: { Issue.record($0) }))
            // Few enough for a busy machine on which programs begin slowly.
            let lender = try JoinableThread(name: "lender") {
                var random = SeededRandom(seed: 5)
                for _ in 0..<10 {
                    let held = random.below(3)
                    if held == 0 { gate.withdraw() }
                    gate.lend(.init(limit: 2, held: held, allowed: held), until: .now + .seconds(60))
                    Thread.sleep(forTimeInterval: 0.1 + 0.001 * Double(random.below(200)))
                }
                gate.lend(.init(limit: 2, held: 2, allowed: 2), until: .now + .seconds(60))
            }
            let stand = LookupStand(Self.records(600), added: [.integer, .text])
            var rows: [Int: [String]] = [:]
            exec.makeWorker(in: StageSlot()).process(stand.batch, stand.all) { found in
                for index in 0..<found.count { rows[found[index]] = stand.shown(found[index], 2) }
            }
            lender.join()
            #expect(rows == Self.expected(600))
            #expect(stand.batch.deadLetters.isEmpty)
            exec.close()
            _ = gate.takeNeed()
            #expect(gate.takeNeed() == PermitGate.Need(limit: 2), "all permits are given back")
        }
    }

    // MARK: - Answers that do not fit

    @Test func anAnswerThatDoesNotFitIsADeadLetterWithTheLine() async throws {
        try await onThread(named: "test") {
            let answer = "{'twice': 'two'} if r['n'] == 1 else 7 if r['n'] == 2 else {'twice': 0}"
            let found = try Self.answer(Self.plan(Self.python(answer: answer)), Self.records(4))[0]
            #expect(found.rows == [0: ["0", "-"], 3: ["0", "-"]])
            #expect(found.letters.map(\.fault.code) == ["exec_answer", "exec_answer"])
            #expect(found.letters.map(\.fault.found) == [#"{"twice": "two"}"#, "7"])
            #expect(found.letters[0].fault.field == "twice" && found.letters[0].fault.node == "x")
            #expect(found.letters[0].fault.reason.contains("does not fit: twice at byte 10: wrong type, found text"))
        }
    }

    @Test func aRunWithTooFewAnswersIsDoneAgainInPieces() async throws {
        try await onThread(named: "test") {
            let command = ["jq", "-c", "select(.n != 5) | {twice: (.n * 2), word: .k}"]
            let found = try Self.answer(Self.plan(command, mode: .batch), Self.records(20))[0]
            #expect(found.rows == Self.expected(20).filter { $0.key != 5 })
            #expect(
                found.reasons.count == 1 && found.reasons[0].hasPrefix("5 exec_answer: jq wrote 0 lines for 1 records"))
        }
    }

    @Test func aProgramThatSaysTooMuchIsStopped() async throws {
        try await onThread(named: "test") {
            let command = Self.python("print('{}')")
            let found = try Self.answer(Self.plan(command, mode: .batch), Self.records(3))[0]
            #expect(found.rows.isEmpty)
            #expect(found.letters.count == 3 && found.reasons[0].contains("wrote more lines than it was given records"))
        }
    }

    @Test func whatItSaysTooMuchAtItsEndIsNobodysAnswer() async throws {
        try await onThread(named: "test") {
            let command = ["/bin/sh", "-c", "read line; printf '{}\\n{}\\n{}\\n'; exit 1"]
            let found = try Self.answer(Self.plan(command), Self.records(2))[0]
            #expect(
                found.rows.isEmpty && found.letters.map(\.fault.code) == ["exec_answer", "exec_answer"], "\(found)")
        }
    }

    /// One batch has all programs when the next one comes; with an error output that is closed.
    @Test func batchesShareThePrograms() async throws {
        try await onThread(named: "test") {
            let plan = Self.plan(Self.python("n == 1 and os.close(2)"))
            let pool = ProgramPool(plan, limit: 2, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            let exec = Exec(plan, pool: pool, hashedColumns: [], memory: MemoryAccountant(budget: 256 << 20))
            defer { exec.close() }
            let counts = Mutex<[Int]>([])
            let threads = try (0..<3).map { number in
                try JoinableThread(name: "worker \(number)") {
                    let stand = LookupStand(Self.records(2_000), added: [.integer, .text])
                    let worker = exec.makeWorker(in: StageSlot())
                    worker.process(stand.batch, stand.all) { rows in counts.withLock { $0.append(rows.count) } }
                }
            }
            for thread in threads { thread.join() }
            #expect(counts.withLock { $0 } == [2_000, 2_000, 2_000])
        }
    }

    // MARK: - Programs that die

    @Test func aProgramThatDiesNowAndThenLosesNothing() async throws {
        try await onThread(named: "test") {
            let command = Self.python("n > 100 and os._exit(3)")
            let found = try Self.answer(Self.plan(command), Self.records(2_000), programs: 2)[0]
            #expect(found.rows == Self.expected(2_000) && found.letters.isEmpty, "\(found.reasons.prefix(3))")
            #expect(found.failure == nil)
        }
    }

    @Test(arguments: [
        ("os._exit(7)", "exec_exit", "ended with exit code 7, each of 2 times that it had this record alone"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "exec_signal", "was ended by signal 11 (SIGSEGV)"),
        (
            "os.kill(os.getpid(), signal.SIGKILL)", "exec_signal",
            "was ended by signal 9 (SIGKILL, from outside of Millrace)"
        ),
        ("time.sleep(1000)", "exec_timeout", "said nothing for 1.0 seconds and was killed"),
        ("os.close(1); time.sleep(1000)", "exec_answer", "closed its standard output and went on, and was killed"),
        ("sys.exit(0)", "exec_exit", "ended with exit code 0"),
    ])
    func aRecordThatKillsIsADeadLetterAndOthersAreNot(act: String, code: String, reason: String) async throws {
        try await onThread(named: "test") {
            let timeout: Duration = code == "exec_timeout" ? .seconds(1) : .seconds(60)
            let command = Self.python("if r['n'] == 33: \(act)")
            let found = try Self.answer(Self.plan(command, timeout: timeout), Self.records(300))[0]
            #expect(found.rows == Self.expected(300).filter { $0.key != 33 })
            #expect(
                found.letters.map(\.offset) == [33] && found.letters.map(\.fault.code) == [code], "\(found.reasons)")
            #expect(found.letters.first?.fault.reason.contains(reason) ?? false, "\(found.reasons)")
        }
    }

    @Test func aProgramThatEatsMemoryIsKilledAtItsLimit() async throws {
        try await onThread(named: "test") {
            let command = Self.python("if r['n'] == 2: eaten = bytearray(os.urandom(1 << 20) * 200); time.sleep(1000)")
            let found = try Self.answer(Self.plan(command, memory: 100 << 20), Self.records(5))[0]
            #expect(found.rows == Self.expected(5).filter { $0.key != 2 })
            #expect(found.letters.map(\.fault.code) == ["exec_memory"], "\(found.reasons)")
            #expect(
                found.letters[0].fault.reason.contains("took more memory than its limit of 100 MiB, and was killed"))
        }
    }

    @Test func aProgramThatAnswersNothingStopsTheTopologyBeforeItsRecordsAreGone() async throws {
        try await onThread(named: "test") {
            let found = try Self.answer(Self.plan(Self.python("os._exit(5)")), Self.records(100))[0]
            #expect(found.rows.isEmpty && found.letters.isEmpty)
            let failure = try #require(found.failure)
            #expect(
                failure.hasPrefix(
                    "node x: 10 records one after the other had no answer: python3 ended with exit code 5"))
            // What it waited for was said meanwhile.
            #expect(found.troubles.contains { $0?.contains("times in a row without an answer") ?? false })
        }
    }

    @Test func aProgramThatIsNotThereIsSaidBeforeAnythingIsRead() {
        let error = #expect(throws: ExecError.self) { try Self.answer(Self.plan(["no-such-program"]), Self.records(1)) }
        #expect(
            error?.description
                == "node x: the program no-such-program is not there, found nowhere in PATH; install it where Millrace runs, or "
                + "write its path")
    }

    @Test func aLineOfAShellWhoseProgramIsNotThereStopsAtOnce() async throws {
        try await onThread(named: "test") {
            let found = try Self.answer(
                Self.plan(["/bin/sh", "-c", "no-such-program | cat >&2; exit 127"]), Self.records(3))[0]
            #expect(
                found.letters.isEmpty
                    && found.failure?.contains("it cannot be run: /bin/sh ended with exit code 127") ?? false)
        }
    }
}
