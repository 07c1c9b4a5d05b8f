import Testing

@testable import Nodes

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
