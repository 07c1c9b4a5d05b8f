import Dataflow
import Logging
import Synchronization
import Testing

@testable import Nodes

@Suite struct DeadLetterReportTests {
    /// Keeps what is logged.
    private final class Log: LogHandler {
        let lines = Mutex<[String]>([])
        var logLevel: Logger.Level {
            get { .trace }
            set {}
        }
        var metadata: Logger.Metadata {
            get { [:] }
            set {}
        }
        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { nil }
            set {}
        }
        func log(event: LogEvent) {
            let metadata = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            lines.withLock { $0.append(([event.message.description] + metadata).joined(separator: " ")) }
        }
    }

    private static func epoch(_ reasons: [String], payload: String = "{}") -> ClosedEpoch {
        ClosedEpoch(
            number: 1, advances: [], standing: [], deltas: [:],
            deadLetters: reasons.enumerated().map { index, reason in
                DeadLetter(
                    partition: 0, offset: Int64(index), line: 0, reason: reason, payload: Array(payload.utf8),
                    timestamp: nil)
            }, partitionKeys: [PartitionKey(topic: "events", partition: 3)])
    }

    @Test func theFirstOfEachCauseIsToldWithItsRecordAndAllAreCounted() {
        let log = Log()
        let report = DeadLetterReport(logger: Logger(label: "test") { _ in log })
        report.committed(
            Self.epoch(["v at byte 14: wrong type", "v at byte 9: wrong type", "not UTF-8"], payload: "{1}"))
        report.committed(Self.epoch(["v at byte 100: wrong type"]))
        let lines = log.lines.withLock { $0 }
        #expect(lines.count == 2)
        #expect(lines.first?.contains("from=events[3] offset=0 reason=v at byte 14: wrong type record={1}") == true)
        #expect(report.causes.map(\.reason) == ["v at byte 14: wrong type", "not UTF-8"])
        #expect(report.causes.map(\.count) == [3, 1])
        report.conclude()
        #expect(log.lines.withLock { $0.last } == "Dead letters cause=not UTF-8 count=1")
    }

    @Test func causesAreBounded() {
        let report = DeadLetterReport(logger: Logger(label: "test") { _ in Log() })
        let letters = (0..<200).map { number in
            "field \(String(UnicodeScalar(UInt8(97 + number % 26))))\(String(UnicodeScalar(UInt8(97 + number / 26)))): bad"
        }
        report.committed(Self.epoch(letters))
        #expect(report.causes.count == DeadLetterReport.causesMax + 1)
        #expect(report.causes.map(\.count).reduce(0, +) == 200)
        #expect(report.causes.last?.reason == "other causes")
    }

    @Test func aRecordCannotCommandTheTerminal() {
        let shown = DeadLetterReport.shown(Array("a\u{1B}[2J\nb\u{202E}".utf8) + [0xFF])
        #expect(shown == "a\\u{1B}[2J\\nb\\u{202E}\u{FFFD}")
        #expect(DeadLetterReport.shown(Array(repeating: 65, count: 300)).count == 204)
    }
}
