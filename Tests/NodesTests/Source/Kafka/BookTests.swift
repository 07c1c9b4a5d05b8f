import Dataflow
import Kafka
import Testing

@testable import Nodes

/// Expects what a mutating call returned: the macro takes no such calls.
private func same<Value: Equatable>(
    _ found: Value, _ wanted: Value, _ comment: Comment? = nil,
    sourceLocation: Testing.SourceLocation = #_sourceLocation
) {
    #expect(found == wanted, comment, sourceLocation: sourceLocation)
}

@Suite struct TailBookTests {
    private func tail(_ offset: Int64) -> Tail { Tail(offset: offset, timestamp: nil, checksum: offset * 31) }

    @Test func theFirstRecordIsStoredAtOnce() {
        var book = TailBook()
        book.begin(0, stored: nil)
        same(book.read(0, last: tail(9)), tail(9))
        same(book.read(0, last: tail(19)), nil)
    }

    @Test func aStoredTailIsReplacedOnlyByWhatWasReadBeforeItWasFoundAgain() {
        var book = TailBook()
        book.begin(0, stored: tail(9))
        same(book.beginLook(0), nil, "what has not moved is not looked at")
        same(book.read(0, last: tail(19)), nil)
        same(book.beginLook(0), tail(9))
        same(book.read(0, last: tail(29)), nil, "read while the look was under way: of which log?")
        book.found(0, tail(9))
        same(book.read(0, last: tail(39)), tail(19))
        same(book.stored(0), tail(19))
    }

    @Test func whenNothingMoreComesTheLastRecordIsStoredAndLookedAtOnce() {
        var book = TailBook()
        book.begin(0, stored: tail(9))
        _ = book.read(0, last: tail(19))
        let looked = book.beginLook(0)
        #expect(looked == tail(9))
        book.found(0, tail(9))
        same(book.unhanded, [0])
        same(book.read(0, last: nil), tail(19))
        same(book.unhanded, [])
        same(book.beginLook(0), tail(19))
        book.found(0, tail(19))
        same(book.beginLook(0), nil)
    }

    @Test func anAnswerAboutAnotherTailIsVoid() {
        var book = TailBook()
        book.begin(0, stored: tail(9))
        _ = book.read(0, last: tail(19))
        _ = book.beginLook(0)
        book.begin(0, stored: tail(5))
        book.found(0, tail(9))
        same(book.unhanded, [])
    }
}

@Suite struct TroubleBookTests {
    private let start = ContinuousClock.now
    private func at(_ seconds: Int) -> ContinuousClock.Instant { start + .seconds(seconds) }

    @Test func whatLastsIsSaidEveryMinute() {
        var book = TroubleBook(interval: .seconds(60))
        same(book.met(.connection, "away", at(0)), .began("away"))
        same(book.met(.connection, "far away", at(10)), nil)
        same(book.remind(at(59)), [])
        same(book.remind(at(60)), [.lasts("far away", since: .seconds(60))])
        same(book.remind(at(61)), [])
        same(book.remind(at(120)), [.lasts("far away", since: .seconds(120))])
        same(book.over(.connection, at(130)), .over)
        same(book.remind(at(300)), [])
    }

    @Test func whatComesAndGoesIsSaidOnce() {
        var book = TroubleBook(interval: .seconds(60))
        same(book.met(.connection, "away", at(0)), .began("away"))
        same(book.over(.connection, at(1)), .over)
        same(book.met(.connection, "away", at(2)), nil)
        same(book.over(.connection, at(3)), nil)
        same(book.met(.connection, "away", at(70)), .began("away"))
    }

    @Test func oneTopicsTroubleIsNotTakenBackByAnother() {
        var book = TroubleBook()
        _ = book.met(.topic("a"), "no rights for a", at(0))
        _ = book.met(.topic("b"), "no rights for b", at(1))
        _ = book.over(.topic("b"), at(2))
        same(book.summary, "no rights for a")
    }
}

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
}
