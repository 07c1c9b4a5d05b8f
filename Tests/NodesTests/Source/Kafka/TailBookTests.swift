import Dataflow
import Testing

@testable import Nodes

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
