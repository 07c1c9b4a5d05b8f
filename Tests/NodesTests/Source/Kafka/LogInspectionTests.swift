import Dataflow
import Kafka
import Testing

@testable import Nodes

@Suite struct LogAnswerTests {
    private let partition = TopicPartition("t", 0)
    private func question(_ position: Int64, tail offset: Int64? = nil) -> LogQuestion {
        LogQuestion(
            partition: partition, position: position,
            tail: offset.map { Tail(offset: $0, timestamp: 5, checksum: Checksum.of([1])) })
    }

    @Test(arguments: [Int64(10), 15, 20]) func aPositionInTheLogIsSound(_ position: Int64) {
        #expect(
            LogAnswer.judge(question(position), Watermarks(low: 10, high: 20), found: nil)
                == .sound(Watermarks(low: 10, high: 20), isTailGone: false))
    }

    @Test func aPositionOutsideTheLogIsNot() {
        for position in [Int64(9), 21] {
            guard
                case .unsound(_, goOn: 10) = LogAnswer.judge(
                    question(position), Watermarks(low: 10, high: 20), found: nil)
            else {
                Issue.record("\(position) was believed")
                continue
            }
        }
    }

    @Test func anotherRecordInItsPlaceIsAnotherLog() {
        let range = Watermarks(low: 0, high: 20)
        func judge(_ payload: [UInt8]?, _ time: Int64?) -> Bool {
            if case .sound = LogAnswer.judge(
                question(12, tail: 11), range, found: .found(payload: payload, key: nil, timestamp: time))
            {
                true
            } else {
                false
            }
        }
        #expect(judge([1], 5))
        #expect(judge([1], nil))
        #expect(!judge([2], 5))
        #expect(!judge(nil, 5))
        #expect(!judge([1], 6), "the same words at another time are another record")
    }

    @Test func aRecordThatIsGoneIsNoOtherLog() {
        let range = Watermarks(low: 0, high: 20)
        #expect(LogAnswer.judge(question(12, tail: 11), range, found: .gone) == .sound(range, isTailGone: true))
        #expect(LogAnswer.judge(question(12), range, found: nil) == .sound(range, isTailGone: false))
        guard case .unsound = LogAnswer.judge(question(30, tail: 11), range, found: .gone) else {
            Issue.record("the position is not in the log")
            return
        }
    }

    @Test func aLogThatEndsBeforeTheLastRecordIsAnother() {
        let answer = LogAnswer.judge(
            question(12, tail: 11), Watermarks(low: 2, high: 5), found: .beyondEnd(end: 5))
        guard case .unsound(let reason, goOn: 2) = answer else {
            Issue.record("\(answer)")
            return
        }
        #expect(reason.hasPrefix("the log ends at offset 5, before the last record that was read (11)"))
    }

    @Test func whereNothingWasReadAnyLogIsSound() {
        let question = LogQuestion(partition: partition, position: nil, tail: nil)
        let range = Watermarks(low: 7, high: 7)
        #expect(LogAnswer.judge(question, range, found: nil) == .sound(range, isTailGone: false))
    }

    @Test func whatRetentionHasTakenIsCounted() {
        guard
            case .unsound(let reason, _) = LogAnswer.judge(question(4), Watermarks(low: 10, high: 20), found: nil)
        else {
            Issue.record("the position is not in the log")
            return
        }
        #expect(reason.contains("offsets 4 to 9 were removed by retention"))
    }
}
