import Dataflow
import Testing

@testable import Summaries

@Suite struct EventTimeBoundsTests {
    private static let bounds = EventTimeBounds(late: 1_000_000, early: 500_000, field: "ts")

    @Test(
        arguments: [
            // Time, clock, by when it was written.
            (5_000_000, 5_000_000, nil, EventTimeBounds.Verdict.taken), (4_000_000, 5_000_000, nil, .taken),
            (3_999_999, 5_000_000, nil, .late), (5_500_000, 5_000_000, nil, .taken),
            (5_500_001, 5_000_000, nil, .early),
            // A partition that has shown nothing refuses nothing.
            (0, Int64.min, nil, .taken), (.max, .min, nil, .taken),
            // The message's own time excuses what is ahead, and nothing that is behind.
            (9_000_000, 5_000_000, 9_000_000, .taken), (9_600_000, 5_000_000, 9_000_000, .early),
            (1, 5_000_000, 0, .late),
            (.max, 5_000_000, .max, .taken), (.max, 5_000_000, .min, .early),
            // However far apart they are: times beyond what a difference can hold excuse nothing.
            (9_000_000, 5_000_000, .min, .early), (.max, 5_000_000, -1, .early),
            (.max, .min + 1, nil, .early), (.min, .max, nil, .late), (.min, .max, .max, .late),
        ] as [(Int64, Int64, Int64?, EventTimeBounds.Verdict)])
    func aRecordIsJudgedByWhatItsPartitionHasShown(
        time: Int64, clock: Int64, message: Int64?, expected: EventTimeBounds.Verdict
    ) {
        #expect(Self.bounds.verdict(on: time, clock: clock, written: message) == expected)
    }

    @Test func whatIsWrongIsSaid() {
        #expect(Self.bounds.fault(.taken, witness: "its message") == nil)
        let late = Self.bounds.fault(.late, witness: "its message")
        #expect(late?.code == "too_late" && late?.field == "ts" && late?.reason.contains("more than 1s behind") == true)
        let early = Self.bounds.fault(.early, witness: "its message")
        #expect(early?.code == "too_early" && early?.reason.contains("more than 500ms ahead") == true)
        #expect(
            EventTimeBounds(late: nil, early: 600_000_000, field: "t").definition
                == "the event time is at most 10m ahead of the clock of its partition")
    }
}
