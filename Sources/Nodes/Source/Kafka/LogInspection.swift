import Dataflow
import Kafka

/// What is asked about the log of one partition: whether it is still the one that was read.
struct LogQuestion: Sendable, Equatable {
    /// The partition.
    var partition: TopicPartition
    /// Where reading is to go on; nil when nothing was read yet.
    var position: Int64?
    /// A record that was read, nil when none is known.
    var tail: Tail?
}

/// What a log says.
enum LogAnswer: Sendable, Equatable {
    /// The position is in the log, and so is the record, unless it is gone in the order of things.
    case sound(Watermarks, isTailGone: Bool)
    /// The log is not the one that was read, or a part that was not read is gone. Reading could go on at `goOn`.
    case unsound(reason: String, goOn: Int64)
    /// The log cannot be asked now.
    case unknown(KafkaError)

    /// What follows from a partition's range and from what lies where the record was read.
    /// - Parameter found: nil when no record was asked for.
    static func judge(_ question: LogQuestion, _ range: Watermarks, found: FetchedMessage?) -> LogAnswer {
        if let tail = question.tail {
            switch found {
            case .found(let payload, _, let timestamp):
                let isSame =
                    payload.map { Checksum.of($0) } == tail.checksum
                    && (timestamp == nil || tail.timestamp == nil || timestamp == tail.timestamp)
                if !isSame {
                    return .unsound(
                        reason:
                            "offset \(tail.offset) holds another message than the one that was read, so the topic was "
                            + "re-created or its log replaced", goOn: range.low)
                }
            case .beyondEnd(let end):
                return .unsound(
                    reason:
                        "the log ends at offset \(end), before the last record that was read (\(tail.offset)), so it "
                        + "was truncated or the topic re-created", goOn: range.low)
            case .gone, nil: break
            }
        }
        guard let position = question.position else { return .sound(range, isTailGone: false) }
        if position > range.high {
            return .unsound(
                reason:
                    "the log ends at offset \(range.high), before the position (\(position)), so it was truncated or the "
                    + "topic re-created", goOn: range.low)
        }
        if position < range.low {
            return .unsound(
                reason:
                    "the oldest message there is has offset \(range.low): offsets \(position) to \(range.low - 1) were "
                    + "removed by retention before they were read", goOn: range.low)
        }
        return .sound(range, isTailGone: found == .gone)
    }
}

/// Asks a cluster about logs. Blocks; any thread may ask.
final class LogInspector: Sendable {
    private let cluster: ClusterClient
    private let timeout: Duration

    /// - Parameter timeout: how long one request may take.
    init(_ connection: ConnectionConfiguration, timeout: Duration) throws(KafkaError) {
        cluster = try ClusterClient(connection)
        self.timeout = timeout
    }

    /// The answers, each partition's for itself. What looks wrong is looked at once more a moment later, for a leader that
    /// has just been elected may not know the end of its log yet.
    func answers(to questions: [LogQuestion]) -> [TopicPartition: LogAnswer] {
        var answers = look(at: questions)
        let doubtful = questions.filter { if case .unsound = answers[$0.partition] { true } else { false } }
        guard !doubtful.isEmpty else { return answers }
        Pause.wait(SourceLimits.secondLook)
        answers.merge(look(at: doubtful)) { _, second in second }
        return answers
    }

    private func look(at questions: [LogQuestion]) -> [TopicPartition: LogAnswer] {
        let ranges = cluster.ranges(of: questions.map(\.partition), timeout: timeout)
        var answers: [TopicPartition: LogAnswer] = [:]
        // Some at a time: each may bring a whole batch of the producer.
        for first in stride(from: 0, to: questions.count, by: SourceLimits.tailsAtOnce) {
            let some = questions[first..<min(first + SourceLimits.tailsAtOnce, questions.count)]
            let offsets = some.compactMap { question in question.tail.map { (question.partition, $0.offset) } }
            let found = cluster.fetchEach(
                Dictionary(offsets, uniquingKeysWith: { $1 }), ranges: ranges, timeout: timeout)
            for question in some { answers[question.partition] = answer(question, ranges, found) }
        }
        return answers
    }

    private func answer(
        _ question: LogQuestion, _ ranges: [TopicPartition: Result<Watermarks, KafkaError>],
        _ found: [TopicPartition: Result<FetchedMessage, KafkaError>]
    ) -> LogAnswer {
        do throws(KafkaError) {
            guard let range = try ranges[question.partition]?.get() else {
                return .unknown(
                    KafkaError(code: .timedOut, message: "kafka: nothing is known of \(question.partition)"))
            }
            return .judge(question, range, found: try found[question.partition]?.get())
        } catch {
            return .unknown(error)
        }
    }
}
