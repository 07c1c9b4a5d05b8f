import Dataflow
import Foundation
import Platform
import Testing

@testable import Nodes

/// Programs that write fewer or more lines than they get, in all the ways: nobody gets the answer of another.
extension ExecWorkerTests {
    @Test func aProgramThatSkipsALineIsFoundOutByItsEcho() async throws {
        try await onThread(named: "test") {
            // In a batch, the shift would only show at its end; the numbers show it at once, wherever it is.
            let command = Self.python(
                "if r['n'] == 3: continue", answer: "{'twice': r['n'], 'word': r['k'], 'no': r['no']}")
            let plan = Self.plan(command, timeout: .seconds(1), startup: .seconds(2), echo: "no")
            let found = try Self.answer(plan, Self.records(8))[0]
            #expect(found.rows.count == 7 && found.rows.allSatisfy { $1 == ["\($0)", "r\($0)"] }, "\(found.rows)")
            #expect(found.letters.map(\.offset) == [3], "\(found.reasons)")
        }
    }

    /// Without numbers: what it answered behind the line that it left out would be the answers of others.
    @Test(arguments: ["pass", "if n == 37: os._exit(3)"])
    func aProgramThatSkipsALineGivesNobodyTheAnswerOfAnother(later: String) async throws {
        try await onThread(named: "test") {
            let command = Self.python("\(later)\n    if r['n'] == 30: continue")
            let plan = Self.plan(command, timeout: .seconds(1), startup: .seconds(2))
            let found = try Self.answer(plan, Self.records(40))[0]
            #expect(found.rows == Self.expected(40).filter { $0.key != 30 })
            #expect(found.letters.map(\.offset) == [30], "\(found.reasons)")
            #expect(found.letters.first?.fault.code == "exec_timeout")
        }
    }

    /// The line too many comes when all are answered, some time after the last, in any stretch of the batch.
    @Test(arguments: [3, 255, 299], [1, 3])
    func aProgramThatAnswersALineTwiceGivesNobodyTheAnswerOfAnother(number: Int, programs: Int) async throws {
        try await onThread(named: "test") {
            let twice = "if r['n'] == \(number): print('{\"twice\": 7}')"
            let plan = Self.plan(Self.python("time.sleep(0.002)\n    \(twice)"))
            let found = try Self.answer(plan, Self.records(300), programs: programs)[0]
            #expect(found.rows == Self.expected(300).filter { $0.key != number })
            #expect(found.letters.map(\.offset) == [Int64(number)], "\(found.reasons)")
            #expect(found.letters.allSatisfy { $0.fault.reason.contains("more lines than it was given records") })
        }
    }

    /// A line too many, and an end that is none: what was answered of the batch before it is done again.
    @Test(arguments: [
        ("os._exit(3)", "exec_exit"), ("os.kill(os.getpid(), signal.SIGSEGV)", "exec_signal"),
        ("time.sleep(1000)", "exec_timeout"), ("os.close(1); time.sleep(1000)", "exec_answer"),
    ])
    func whatADyingProgramAnsweredBeforeIsNotBelieved(act: String, code: String) async throws {
        try await onThread(named: "test") {
            let twice = "if r['n'] == 100: print('{\"twice\": 7}')"
            let command = Self.python("time.sleep(0.001)\n    \(twice)\n    if r['n'] == 300: \(act)")
            let timeout: Duration = code == "exec_timeout" ? .seconds(1) : .seconds(60)
            let plan = Self.plan(command, timeout: timeout, startup: .seconds(2))
            let found = try Self.answer(plan, Self.records(600))[0]
            #expect(found.rows == Self.expected(600).filter { ![100, 300].contains($0.key) })
            let codes = Dictionary(uniqueKeysWithValues: found.letters.map { ($0.offset, $0.fault.code) })
            #expect(codes == [100: "exec_answer", 300: code], "\(found.reasons)")
        }
    }

    /// With numbers, `null` has none: one too many must not take the place of the next answer.
    @Test(arguments: ["pass", "if r['n'] == 41: os._exit(3)"])
    func aNullTooManyFiltersNobodyElse(then: String) async throws {
        try await onThread(named: "test") {
            let twice = "if r['n'] == 40: print('null')"
            let command = Self.python(
                "time.sleep(0.002)\n    \(twice)\n    \(then)",
                answer: "None if r['n'] == 40 else {'twice': r['n'] * 2, 'word': r['k'], 'no': r['no']}")
            // The one behind it is the last, so that no number shows it.
            let found = try Self.answer(Self.plan(command, echo: "no"), Self.records(42))[0]
            let dead = then == "pass" ? [40] : [40, 41]
            #expect(
                found.rows
                    == Self.expected(42).filter { ![40, 41].contains($0.key) || !dead.contains(41) && $0.key == 41 })
            #expect(found.letters.map { Int($0.offset) }.sorted() == dead, "\(found.reasons)")
        }
    }

    /// What a dying program writes to its output is the answer of nobody.
    @Test(arguments: [nil, "no"]) func theLastWordsOfAProgramCostNoRecord(echo: String?) async throws {
        try await onThread(named: "test") {
            let marker = FileManager.default.temporaryDirectory.appendingPathComponent("once-\(UUID().uuidString)").path
            defer { try? FileManager.default.removeItem(atPath: marker) }
            let last = "print('Traceback\\n  line 1\\n  line 2'); os._exit(1)"
            let command = Self.python(
                "if r['n'] == 30 and not os.path.exists('\(marker)'): open('\(marker)', 'w'); \(last)",
                answer: "{'twice': r['n'] * 2, 'word': r['k'], 'no': r.get('no')}")
            let found = try Self.answer(Self.plan(command, echo: echo), Self.records(60))[0]
            #expect(found.rows == Self.expected(60) && found.letters.isEmpty, "\(found.reasons)")
        }
    }

    /// A banner in front of its answers: no record is to blame.
    @Test(arguments: [nil, "no"]) func aProgramThatBeginsWithABannerStopsTheTopology(echo: String?) async throws {
        try await onThread(named: "test") {
            let command = Self.python(
                "n == 1 and print('{\"hello\": 1}')", answer: "{'twice': r['n'] * 2, 'word': r['k'], 'no': r.get('no')}"
            )
            let found = try Self.answer(Self.plan(command, echo: echo), Self.records(60))[0]
            #expect(found.rows.isEmpty && found.letters.isEmpty, "\(found.reasons)")
            #expect(found.failure?.contains("10 records one after the other had no answer") == true)
        }
    }
}
