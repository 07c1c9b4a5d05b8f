import Catalog
import Testing

@testable import Millrace

/// `why` always says something, and what is in the way first.
@Suite struct WhyTests {
    private func status(_ change: (inout TopologyState) -> Void = { _ in }, wanted: Wanted = .running) -> TopologyStatus
    {
        var state = TopologyState(
            topology: "t", daemon: "h/1:a", version: 1, generation: 1, kind: .running, reason: "", since: 0,
            restarts: 0,
            snapshot: RunSnapshot())
        state.snapshot.partitions = [
            .init(topic: "events", partition: 0, source: "s", isOurs: true, next: 1, committed: 1)
        ]
        change(&state)
        let deployment = Deployment(
            topology: "t", version: 1, wanted: wanted, generation: 1, settings: RunSettings(), changedBy: "me@here",
            changedAt: 0)
        return TopologyStatus(deployment, [state])
    }

    private func why(_ change: (inout TopologyState) -> Void) -> (text: String, isTrouble: Bool) {
        let first = Why.reasons(status(change))[0]
        return (first.text, first.isTrouble)
    }

    @Test func whatIsWellIsNoTrouble() {
        #expect(why { $0.snapshot.rate = 1_234 } == ("it moves: 1234 records a second", false))
        #expect(why { _ in } == ("idle: everything there is has been read and committed", false))
        #expect(why { $0.kind = .ended } == ("its sources have ended, and everything they had is committed", false))
        let paused = Why.reasons(status({ $0.kind = .paused }, wanted: .paused))[0]
        #expect(paused.text.hasPrefix("paused by me@here at 1970-01-01T00:00:00Z"))
        #expect(!paused.isTrouble)
    }

    @Test func whatIsInTheWayComesFirst() {
        let waits = why {
            $0.snapshot.rate = 5
            $0.snapshot.troubles = ["the database waits for a lock held by process 17"]
        }
        #expect(waits == ("h/1:a: the database waits for a lock held by process 17", true))
        let failed = why {
            $0.kind = .failed
            $0.reason = "table public.t: it is gone"
        }
        #expect(failed == ("failed: table public.t: it is gone", true))
        let stuck = why { $0.snapshot.lag = 12_000 }
        #expect(stuck == ("12,000 records wait, and nothing says why they are not read", true))
        let lost = Why.reasons(status { $0.secondsSilent = 60 })
        #expect(
            lost[0]
                == .init(text: "unserved: no process runs it: start millrace serve with this database", isTrouble: true)
        )
        #expect(lost[1].text.contains("h/1:a has been silent for 60 s"))
        let early = why { $0.snapshot.partitions = [] }
        #expect(early.text.hasPrefix("no process has a partition yet"))
        let halted = why { $0.snapshot.troubles = ["halted: events/0: the log was re-created", "waits"] }
        #expect(halted == ("halted: events/0: the log was re-created", true))
        let old = why { $0.generation = 0 }
        #expect(old == ("changing: h/1:a has not taken up version 1 yet", true))
    }
}
