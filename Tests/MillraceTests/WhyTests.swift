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
        let first = status(change).reasons[0]
        return (first.text, first.isTrouble)
    }

    @Test func whatIsWellIsNoTrouble() {
        #expect(why { $0.snapshot.rate = 1_234 } == ("it moves: 1234 records a second", false))
        let waits = why { $0.snapshot.lag = 12_000 }
        #expect(waits == ("12,000 records wait for the next commit, and nothing is in their way", false))
        #expect(why { _ in } == ("idle: everything there is has been read and committed", false))
        #expect(why { $0.kind = .ended } == ("its sources have ended, and everything they had is committed", false))
        let paused = status({ $0.kind = .paused }, wanted: .paused).reasons[0]
        #expect(paused.text.hasPrefix("paused by me@here at 1970-01-01T00:00:00Z"))
        #expect(!paused.isTrouble)
    }

    /// The command that has it paused may have been killed.
    @Test func whatACommandHasPausedIsNotWell() {
        let state = TopologyState(
            topology: "t", daemon: "h/1:a", version: 1, generation: 1, kind: .paused, reason: "", since: 0, restarts: 0,
            snapshot: RunSnapshot())
        for states in [[], [state]] {
            let deployment = Deployment(
                topology: "t", version: 1, wanted: .paused, generation: 1, settings: RunSettings(),
                changedBy: "me@here",
                changedAt: 0, pausedFor: "rename")
            let status = TopologyStatus(deployment, states)
            #expect(status.state == .paused && !status.isWell)
            #expect(
                status.reason
                    == "paused for millrace rename by me@here at 1970-01-01T00:00:00Z; if that was killed, do it "
                    + "again, or millrace resume t")
        }
        #expect(status().isWell && status({ $0.kind = .paused }, wanted: .paused).isWell)
    }

    /// A command that has it paused for a moment is at work, and so is a process that has just been told of a change.
    @Test func whatIsOnItsWayIsWell() {
        func status(
            _ kind: TopologyState.Kind, generation: Int64 = 2, for command: String = "", seconds: Double
        ) -> TopologyStatus {
            let deployment = Deployment(
                topology: "t", version: 1, wanted: command.isEmpty ? .running : .paused, generation: 2,
                settings: RunSettings(), changedBy: "me@here", changedAt: 0, pausedFor: command,
                secondsSinceChange: seconds)
            let state = TopologyState(
                topology: "t", daemon: "h/1:a", version: 1, generation: generation, kind: kind, reason: "", since: 0,
                restarts: 0, snapshot: RunSnapshot())
            return TopologyStatus(deployment, [state])
        }
        let paused = status(.paused, for: "promote", seconds: 149)
        #expect(paused.isWell && paused.state == .paused)
        #expect(paused.reason == "paused for millrace promote by me@here at 1970-01-01T00:00:00Z, until that is done")
        #expect(!status(.paused, for: "promote", seconds: 151).isWell)
        for (kind, generation) in [(.running, 1), (.stopping, 2), (.starting, 2)] as [(TopologyState.Kind, Int64)] {
            #expect(status(kind, generation: generation, for: "reset", seconds: 149).isWell)
            #expect(!status(kind, generation: generation, for: "reset", seconds: 151).isWell)
            let told = status(kind, generation: generation, seconds: 29)
            #expect(told.isWell && told.state.isChange && !told.reasons.contains(where: \.isTrouble), "\(kind)")
            let late = status(kind, generation: generation, seconds: 31)
            #expect(!late.isWell && late.reasons[0].isTrouble, "\(kind)")
        }
        // What is wrong is so at once.
        for kind in [.failed, .refused, .held] as [TopologyState.Kind] { #expect(!status(kind, seconds: 0).isWell) }
    }

    /// That others have all permits is how it is meant to be, and yet what somebody who asks wants to know.
    @Test func whoHasThePermitsIsSaid() {
        func waits(_ others: [RunSnapshot.Permits.Holder]) -> (text: String, isTrouble: Bool) {
            why {
                $0.snapshot.nodes = [.init(name: "geo", entered: 1, left: 0, groups: 0, memory: 0)]
                $0.snapshot.nodes[0].permits = .init(
                    limit: 2, told: 2, held: 0, used: 0, wish: 1, others: others, secondsWaited: 4.2)
            }
        }
        let start = "h/1:a: node geo has waited 4 s for one of the 2 permits of its cluster_concurrency: "
        #expect(
            waits([.init(instance: "h:2:b", held: 1, isGone: false), .init(instance: "h:3:c", held: 1, isGone: true)])
                == (start + "h:2:b has 1, h:3:c has 1, and is gone", false))
        #expect(waits([]) == (start + "none is lent now", false))
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
        let held = why {
            $0.kind = .held
            $0.reason = "the process died 3 times"
        }
        #expect(held == ("held: the process died 3 times", true))
        #expect(status { $0.kind = .held }.state.isSettled && status { $0.kind = .held }.state.isRefusal)
        let quiet = why { $0.secondsSilent = 9 }
        #expect(quiet.text.hasPrefix("h/1:a has been silent for 9 s: it was killed, stands still, or cannot reach"))
        #expect(quiet.isTrouble)
        let lost = status { $0.secondsSilent = 60 }.reasons
        #expect(
            lost[0]
                == .init(
                    text: "unserved: no process that can be heard runs it: start millrace serve with this database",
                    isTrouble: true)
        )
        #expect(lost[1].text.contains("h/1:a has been silent for 60 s"))
        let early = why { $0.snapshot.partitions = [] }
        #expect(early == ("no process has a partition yet: they are being shared out", false))
        let halted = why { $0.snapshot.troubles = ["halted: events/0: the log was re-created", "waits"] }
        #expect(halted == ("halted: events/0: the log was re-created", true))
        let old = why { $0.generation = 0 }
        #expect(old == ("changing: h/1:a has not taken up version 1 yet", true))
    }
    /// Whatever asks, nothing is called well that has something in its way.
    @Test func whatWaitsIsNotWell() {
        let moves = status { $0.snapshot.rate = 5 }
        #expect(moves.state == .running && moves.isWell && Why.answer(moves).isWell && moves.reason.isEmpty)
        let waits = status {
            $0.snapshot.rate = 5
            $0.snapshot.troubles = ["the database is full", "memory is used up"]
        }
        #expect(waits.state == .waiting && !waits.isWell && !Why.answer(waits).isWell)
        #expect(waits.reason == "h/1:a: the database is full")
        #expect(Why.answer(waits).reasons == ["h/1:a: the database is full", "h/1:a: memory is used up"])
        #expect(status { $0.secondsSilent = 9 }.state == .waiting)
        #expect(status { $0.secondsSilent = 7 }.state == .running)
        #expect(StatusReport.overview([waits]).contains("waiting"))
        #expect(StatusReport.detail(waits).contains("\n  memory is used up\n"))
    }

    @Test func settingsForNodesThatAreGoneAreNamed() {
        var state = TopologyState(
            topology: "t", daemon: "h/1:a", version: 3, generation: 1, kind: .running, reason: "", since: 0,
            restarts: 0, snapshot: RunSnapshot())
        state.snapshot.nodes = [.init(name: "here", entered: 0, left: 0, groups: 0, memory: 0)]
        let deployment = Deployment(
            topology: "t", version: 3, wanted: .running, generation: 1,
            settings: RunSettings(concurrency: ["here": 2, "gone": 4], clusterConcurrency: ["gone": 5]),
            changedBy: "me@here", changedAt: 0)
        let lines = StatusReport.detail(TopologyStatus(deployment, [state])).split(separator: "\n")
        #expect(lines.contains("concurrency of here: 2"))
        #expect(lines.contains("concurrency of gone: 4 (version 3 has no such node)"))
        #expect(lines.contains("cluster_concurrency of gone: 5 (version 3 has no such node)"))
        // Nobody knows while none runs it.
        #expect(StatusReport.detail(TopologyStatus(deployment, [])).contains("concurrency of gone: 4\n"))
    }

    @Test func recordsThatCouldNotBeUsedAreSaid() {
        let reasons = status { $0.snapshot.dead = 1_200 }.reasons
        #expect(reasons.count == 2 && !reasons[1].isTrouble)
        #expect(
            reasons[1].text
                == "1,200 records could not be used since its start; millrace dead-letters list t says why")
    }

    /// One process too many is no trouble; that none has a partition is.
    @Test func aGroupThatGivesNothingAway() {
        func state(_ daemon: String, _ partitions: Int) -> TopologyState {
            var state = TopologyState(
                topology: "t", daemon: daemon, version: 1, generation: 1, kind: .running, reason: "", since: 0,
                restarts: 0, snapshot: RunSnapshot())
            state.snapshot.partitions = (0..<partitions).map {
                .init(topic: "events", partition: Int32($0), source: "s", isOurs: true, next: 1, committed: 1)
            }
            state.snapshot.sources = [
                .init(name: "s", lag: nil, trouble: nil, idleGroup: partitions == 0 ? "kpis" : nil)
            ]
            return state
        }
        let deployment = Deployment(
            topology: "t", version: 1, wanted: .running, generation: 1, settings: RunSettings(), changedBy: "me@here",
            changedAt: 0)
        let (reader, idle) = (state("h/1:a", 1), state("h/2:b", 0))
        #expect(TopologyStatus(deployment, [reader, idle]).state == .running)
        #expect(TopologyStatus(deployment, [reader, idle]).reasons[0].text.hasPrefix("idle: everything"))
        let alone = TopologyStatus(deployment, [idle], peers: [reader])
        #expect(alone.state == .running)
        #expect(alone.reasons[0].text.contains("the consumer group kpis has no partition left for this process"))
        let nobody = TopologyStatus(deployment, [idle, state("h/3:c", 0)])
        #expect(nobody.state == .waiting)
        #expect(
            nobody.reason.hasPrefix(
                "source s: no process of this topology has a partition; the consumer group kpis has given them all to"))
    }
}
