import Testing

@testable import Dataflow

@Suite struct EventClockTests {
    private static func clock(at time: Int64) -> EventClock { EventClock(time: time) }

    @Test func itGoesWithTheLatestAndNeverBack() {
        var clock = Self.clock(at: 1_000)
        for (seen, expected) in [(1_050, 1_050), (900, 1_050), (Int64.min, 1_050), (1_150, 1_150)] as [(Int64, Int64)] {
            clock.see(seen, reach: 100)
            #expect(clock.time == expected && clock.ahead == 0)
        }
    }

    @Test func oneWrongClockDoesNotMoveIt() {
        var clock = Self.clock(at: 1_000)
        for round in 0..<500 as Range<Int64> {
            clock.see(.max, reach: 100)
            #expect(clock.ahead == 1)
            clock.see(1_000 + round, reach: 100)
        }
        #expect(clock.time == 1_499)
    }

    @Test func manyInARowMoveItToWhereTheyAre() {
        var clock = Self.clock(at: 1_000)
        for number in 1..<EventClock.wordsMin {
            clock.see(9_000 - Int64(number), reach: 100)
            #expect(clock.time == 1_000 && clock.ahead == number)
        }
        // A wrong one among them moves it as little as ever.
        clock.see(9_500, reach: 100)
        #expect(clock.time == 8_999 && clock.ahead == 0)
    }

    /// The first records may be anything: none of them is believed alone.
    @Test(arguments: [Int64.max, 1_000_000])
    func itBeginsWithManyRecords(first: Int64) {
        var clock = EventClock()
        clock.see(first, reach: 100)
        for number in 1...EventClock.wordsMin {
            #expect(clock.time == nil)
            clock.see(500 + Int64(number), reach: 100)
        }
        #expect(clock.time == 600)
    }

    /// Records in order, of which a hundred take longer than the reach: none is too early once it has begun.
    @Test func recordsInOrderAreNeverAhead() {
        var clock = EventClock()
        for second in 0..<5_000 as Range<Int64> {
            if let time = clock.time { #expect(second - time <= 60) }
            clock.see(second, reach: 60)
        }
        #expect(clock.time == 4_999)
    }

    /// Late records say nothing of how far a partition has got, wherever they stand.
    @Test(arguments: [0, 1, 50, 99]) func lateRecordsAmongTheFirstDoNotHoldItBack(first: Int) {
        var clock = EventClock()
        for second in 0..<3_000 as Range<Int64> {
            clock.see(100_000 + second, reach: 60)
            if Int(second) % 60 == first % 60 || second == Int64(first) { clock.see(second / 60, reach: 60) }
            if second > 250 { #expect(clock.time == 100_000 + second) }
        }
    }

    /// Where the clock stands at a late time all the same, it gets away from it, though late records go on coming.
    @Test func itDoesNotStayWhereLateRecordsAre() {
        var clock = Self.clock(at: 100)
        for second in 0..<200 as Range<Int64> {
            clock.see(100_000 + second, reach: 60)
            if second % 60 == 50 { clock.see(100 + second / 60, reach: 60) }
        }
        #expect(clock.time == 100_199)
    }

    /// Two clocks that take turns: the one behind holds, for the other may be the wrong one.
    @Test func theOneThatIsAheadDoesNotWin() {
        var clock = EventClock()
        for second in 0..<3_000 as Range<Int64> {
            clock.see(second, reach: 60)
            clock.see(second + 7_200, reach: 60)
        }
        #expect(clock.time == 2_999)
    }

    /// A partition whose records are further apart than the reach follows them, ten behind, if their messages say so.
    @Test func quietPartitionsFollowTheirMessages() {
        var (vouched, alone) = (EventClock(), EventClock())
        for number in 0..<1_000 as Range<Int64> {
            vouched.see(700 * number, reach: 600, message: 700 * number + 5)
            alone.see(700 * number, reach: 600)
            if number >= 20 { #expect(700 * number - (vouched.time ?? .min) <= 700 * 10) }
            if number >= 200 { #expect(700 * number - (alone.time ?? .min) <= 700 * 200) }
        }
        // A wrong clock is vouched for by no message.
        let before = vouched.time
        vouched.see(10_000_000, reach: 600, message: 700_000)
        #expect(vouched.time == before && vouched.ahead < 100)
    }

    @Test func theEndsOfTimeAreNoTrap() {
        var clock = EventClock()
        for number in 0..<1_000 { clock.see([Int64.min, .max, 0][number % 3], reach: 100) }
        for _ in 0..<300 { clock.see(.min, reach: 100) }
        #expect(clock.time == .min)
    }
}
