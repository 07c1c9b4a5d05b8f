import ArgumentParser
import Catalog
import Testing
import WebAPI

@testable import Millrace

/// What `/ready` and `/health` say.
@Suite struct ReadinessTests {
    private static func deployment(_ name: String, _ wanted: Wanted = .running) -> Deployment {
        Deployment(
            topology: name, version: 1, wanted: wanted, generation: 1, settings: RunSettings(), changedBy: "me",
            changedAt: 0)
    }

    private static func state(
        _ name: String, _ kind: TopologyState.Kind = .running, daemon: String = "us", reason: String = "",
        silent: Double = 0, _ change: (inout RunSnapshot) -> Void = { _ in }
    ) -> TopologyState {
        var snapshot = RunSnapshot()
        change(&snapshot)
        return TopologyState(
            topology: name, daemon: daemon, version: 1, generation: 1, kind: kind, reason: reason, since: 0,
            restarts: 0,
            snapshot: snapshot, secondsSilent: silent)
    }

    private func answer(
        _ deployments: [Deployment], _ states: [TopologyState]
    ) -> Readiness.Answer {
        Readiness(process: "us").answer(deployments, states)
    }

    @Test func nothingToDoIsReady() {
        #expect(answer([], []).isReady)
    }

    @Test func whatDoesWhatIsWantedIsReady() {
        let found = answer(
            [Self.deployment("a"), Self.deployment("b", .paused), Self.deployment("c")],
            [Self.state("a"), Self.state("b", .paused), Self.state("c", .ended)])
        #expect(found.isReady)
        #expect(found.topologies.map(\.isReady) == [true, true, true])
    }

    /// What other processes do is theirs.
    @Test func onlyThisProcessCounts() {
        let broken = Self.state("a", .failed, daemon: "them", reason: "no")
        #expect(answer([Self.deployment("a")], [Self.state("a"), broken]).isReady)
        #expect(!answer([Self.deployment("a")], [Self.state("a", daemon: "them")]).isReady)
        #expect(!answer([Self.deployment("a")], [Self.state("a", silent: 60)]).isReady)
    }

    /// `status` takes it for well at first; whoever waits for this process does not.
    @Test func whatIsAboutToRunIsNotReady() {
        var young = Self.deployment("a")
        young.secondsSinceChange = 1
        let found = answer([young], [Self.state("a", .starting)])
        #expect(!found.isReady && found.topologies.map(\.state) == [.starting])
        #expect(TopologyStatus(young, [Self.state("a", .starting)]).isWell)
        #expect(answer([young], [Self.state("a")]).isReady)
    }

    @Test(arguments: [TopologyState.Kind.failed, .refused, .held, .starting, .stopping])
    func whatDoesNotRunIsNamed(kind: TopologyState.Kind) {
        let found = answer(
            [Self.deployment("good"), Self.deployment("bad")],
            [Self.state("good"), Self.state("bad", kind, reason: "no such table")])
        #expect(!found.isReady)
        #expect(found.topologies.map(\.isReady) == [true, false])
        #expect(found.topologies[1].reasons == ["\(kind.rawValue): no such table"])
    }

    @Test func whatWaitsForSomethingIsNotReady() {
        let found = answer(
            [Self.deployment("a")], [Self.state("a") { $0.troubles = ["the database of table a is away"] }])
        #expect(!found.isReady)
        #expect(found.topologies[0].state == .waiting)
        #expect(found.topologies[0].reasons == ["us: the database of table a is away"])
    }

    @Test func healthIsTheThreadsPulse() {
        let pulse = Pulse()
        pulse.beat()
        #expect(WebServer.health(pulse.silence()).status == 200)
        let still = WebServer.health(WebServer.silenceMax)
        #expect(still.status == 503)
        #expect(
            String(decoding: still.body, as: UTF8.self) == "{\n  \"isAlive\" : false,\n  \"secondsSilent\" : 60\n}")
    }

    @Test func theTokenHasAPlaceOfItsOwn() throws {
        #expect(WebOptions.defaultTokenPath(["XDG_STATE_HOME": "/state"]) == "/state/millrace/token")
        // A relative one does not count, says its standard.
        #expect(WebOptions.defaultTokenPath(["XDG_STATE_HOME": "state"]).hasSuffix("/.local/state/millrace/token"))
        #expect(WebOptions.defaultTokenPath(["HOME": "/home/ann"]) == "/home/ann/.local/state/millrace/token")
        #expect(throws: (any Error).self) { try Serve.parse(["--token-file", "x"]) }
        #expect(throws: (any Error).self) { try Serve.parse(["--listen", "::1"]) }
        #expect(try Serve.parse(["--listen", "8484", "--token-file", "x"]).web.listen?.port == 8484)
        #expect(try Serve.parse([]).web.listen == nil)
    }
}
