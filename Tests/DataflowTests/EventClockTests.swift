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

    @Test func manyInARowMoveItToTheirEarliest() {
        var clock = Self.clock(at: 1_000)
        for number in 1..<EventClock.recordsMin {
            clock.see(9_000 - Int64(number), reach: 100)
            #expect(clock.time == 1_000 && clock.ahead == number)
        }
        clock.see(9_500, reach: 100)
        #expect(clock.time == 9_000 - Int64(EventClock.recordsMin) + 1 && clock.ahead == 0)
    }

    /// The first records may be anything: none of them is believed alone.
    @Test func itBeginsWithTheEarliestOfManyRecords() {
        var clock = EventClock()
        clock.see(.max, reach: 100)
        for number in 2...EventClock.recordsMin {
            #expect(clock.time == nil)
            clock.see(500 + Int64(number), reach: 100)
        }
        #expect(clock.time == 502)
    }
}
