import Dataflow
import Logging
import PlatformTesting
import Testing

@testable import Nodes

@Suite struct DeadLetterReportTests {
    private static func epoch(_ faults: [RecordFault], payload: String = "{}") -> ClosedEpoch {
        ClosedEpoch(
            number: 1, advances: [], standing: [], deltas: [:],
            deadLetters: faults.enumerated().map { index, fault in
                DeadLetter(
                    partition: 0, offset: Int64(index), line: 0, fault: fault, payload: Array(payload.utf8),
                    timestamp: nil)
            }, partitionKeys: [PartitionKey(topic: "events", partition: 3)])
    }

    @Test func theFirstOfEachCauseIsToldWithItsRecordAndAllAreCounted() {
        let log = LogLines()
        let report = DeadLetterReport(logger: Logger(label: "test") { _ in log })
        func wrongType(_ place: Int) -> RecordFault {
            RecordFault("wrong_type", node: "r", field: "v", found: "\(place)", "v at byte \(place): wrong type")
        }
        let notText = RecordFault("invalid_utf8", node: "r", "not UTF-8")
        report.committed(Self.epoch([wrongType(14), wrongType(9), notText], payload: "{1}"))
        report.committed(Self.epoch([wrongType(100)]))
        let lines = log.all.map(\.text)
        #expect(lines.count == 2)
        #expect(
            lines.first?.hasSuffix(
                "cause=wrong_type field=v from=events[3] node=r offset=0 reason=v at byte 14: wrong type record={1}")
                == true)
        #expect(report.causes.map(\.first.reason) == ["v at byte 14: wrong type", "not UTF-8"])
        #expect(report.causes.map(\.count) == [3, 1])
        report.conclude()
        #expect(log.all.last?.text == "Dead letters cause=invalid_utf8 count=1 first=not UTF-8 node=r")
    }

    /// The ledger counts them apart.
    @Test func refusedRecordsAreCalledSo() {
        let log = LogLines()
        let report = DeadLetterReport(logger: Logger(label: "test") { _ in log })
        var epoch = Self.epoch([
            RecordFault("too_late", node: "k", "2 h too late"), RecordFault("too_late", node: "k", "dead"),
        ])
        epoch.deadLetters[0].isDead = false
        report.committed(epoch)
        report.conclude()
        let lines = log.all.map(\.text)
        #expect(
            lines.count == 4
                && lines[0].hasPrefix("A record is refused; more of this cause are only counted cause=too_late"))
        #expect(lines[1].hasPrefix("A record is a dead letter; "))
        #expect(
            Set(lines.suffix(2)) == [
                "Refused records cause=too_late count=1 first=2 h too late node=k",
                "Dead letters cause=too_late count=1 first=dead node=k",
            ])
    }

    @Test func causesAreBounded() {
        let report = DeadLetterReport(logger: Logger(label: "test") { _ in LogLines() })
        let letters = (0..<200).map { number in
            RecordFault("wrong_type", node: "r", field: "field \(number)", "bad")
        }
        report.committed(Self.epoch(letters))
        #expect(report.causes.count == DeadLetterReport.causesMax + 1)
        #expect(report.causes.map(\.count).reduce(0, +) == 200)
        #expect(report.causes.last?.first.reason == "other causes")
    }

    @Test func aRecordCannotCommandTheTerminal() {
        let shown = DeadLetterReport.shown(Array("a\u{1B}[2J\nb\u{202E}".utf8) + [0xFF])
        #expect(shown == "a\\u{1B}[2J\\nb\\u{202E}\u{FFFD}")
        #expect(DeadLetterReport.shown(Array(repeating: 65, count: 300)).count == 204)
    }
}
