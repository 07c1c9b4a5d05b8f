import Catalog
import Foundation
import Testing

@testable import Millrace

/// What `top` shows, whatever the size of the terminal and whatever the topologies say.
@Suite struct TopScreenTests {
    private func status(
        _ name: String, entered: Int64 = 0, rate: Double = 0, _ change: (inout TopologyState) -> Void = { _ in }
    ) -> TopologyStatus {
        var state = TopologyState(
            topology: name, daemon: "host/1:a", version: 3, generation: 1, kind: .running, reason: "", since: 0,
            restarts: 0, snapshot: RunSnapshot())
        state.snapshot.rate = rate
        state.snapshot.records = entered
        state.snapshot.memory = 64 << 20
        state.snapshot.nodes = [
            .init(name: "records", entered: entered, left: entered / 2, groups: 0, memory: 1 << 20),
            .init(name: "kpi", entered: entered / 2, left: 0, groups: 12, memory: 3 << 20),
        ]
        state.snapshot.partitions = [
            .init(topic: "events", partition: 4, source: "s", isOurs: true, next: 123, committed: 120),
            .init(topic: "events", partition: 5, source: "s", isOurs: false, next: 1, committed: 1),
        ]
        change(&state)
        let deployment = Deployment(
            topology: name, version: 3, wanted: .running, generation: 1, settings: RunSettings(),
            changedBy: "me@here", changedAt: 0)
        return TopologyStatus(deployment, [state])
    }

    private func screen(_ looks: [[TopologyStatus]]) -> TopScreen {
        var screen = TopScreen()
        for (second, statuses) in looks.enumerated() {
            screen.history.note(
                TopHistory.Look(statuses: statuses, moment: Date(timeIntervalSince1970: Double(2 * second))))
        }
        return screen
    }

    @Test func whatIsInTroubleComesFirstWithItsReason() {
        let broken = status("web") {
            $0.kind = .failed
            $0.reason = "the password was refused"
        }
        let lines = screen([[status("ads", rate: 12_345), broken]]).lines(columns: 100, rows: 24)
        #expect(lines[0].hasSuffix("2 topologies, 1 in trouble"))
        #expect(lines[2].hasPrefix("> web") && lines[2].contains("failed"))
        #expect(lines[3].contains("the password was refused"))
        #expect(lines[4].hasPrefix("  ads") && lines[4].contains("running") && lines[4].contains(" 12k"))
    }

    @Test func aTerminalOfAnySizeIsNeverOverrun() {
        let long = String(repeating: "a long reason ", count: 40)
        let all = (0..<60).map { number in
            status("topology_\(number)_" + String(repeating: "x", count: number), rate: Double(number)) {
                if number.isMultiple(of: 7) {
                    $0.kind = .failed
                    $0.reason = long
                }
            }
        }
        for (columns, rows) in [(80, 24), (40, 10), (20, 5), (200, 70), (1, 1), (5, 2)] {
            var screen = screen([all, all])
            for _ in 0..<2 {
                let lines = screen.lines(columns: columns, rows: rows)
                #expect(lines.count <= rows && lines.allSatisfy { $0.count <= columns }, "\(columns) by \(rows)")
                #expect(lines.contains { $0.contains("topology_") } == (columns >= 20), "\(columns) by \(rows)")
                let goesOn = screen.press(.enter)
                #expect(goesOn)
            }
        }
        let lines = screen([all]).lines(columns: 80, rows: 24)
        #expect(lines.count == 24 && lines[23].contains("more lines do not fit"))
    }

    @Test func permitsThatProcessesShareAreShownWhereThereAreAny() {
        var screen = screen([
            [
                status("kpi") {
                    $0.snapshot.nodes[1].permits = .init(limit: 4, told: 4, held: 3, used: 2, wish: 5)
                }
            ]
        ])
        _ = screen.press(.enter)
        let lines = screen.lines(columns: 80, rows: 24)
        #expect(lines.contains { $0.hasSuffix("  permits") })
        #expect(lines.contains { $0.contains("  kpi ") && $0.hasSuffix("  2 of 4") })
        // The other node shares none.
        #expect(lines.count { $0.contains(" of 4") } == 1)
    }

    @Test func aNodesRateIsWhatItCountedSinceTheLookBefore() {
        var screen = screen([[status("kpi", entered: 1_000)], [status("kpi", entered: 5_000)]])
        let goesOn = screen.press(.enter)
        #expect(goesOn)
        let lines = screen.lines(columns: 80, rows: 24)
        let records = lines.first { $0.contains("records ") && !$0.contains(",") } ?? ""
        #expect(records.split(separator: " ") == ["records", "2000", "1000", "0", "1"])
        let summary = lines.first { $0.contains("  kpi ") } ?? ""
        #expect(summary.split(separator: " ") == ["kpi", "1000", "0", "12", "3"])
        // Partitions that are ours, and no others.
        #expect(lines.contains { $0.split(separator: " ") == ["events/4", "123", "120", "host/1:a"] })
        #expect(!lines.contains { $0.contains("events/5") })
        // A process that began again has counted nothing in that time that could be compared.
        screen = self.screen([[status("kpi", entered: 5_000)], [status("kpi", entered: 10)]])
        _ = screen.press(.enter)
        #expect(
            screen.lines(columns: 80, rows: 24).contains {
                $0.split(separator: " ") == ["records", "-", "-", "0", "1"]
            })
    }

    @Test func keysMoveAndEnd() {
        var screen = screen([[status("a"), status("b"), status("c")]])
        func chosen() -> String? {
            screen.lines(columns: 80, rows: 24).first { $0.hasPrefix("> ") }?.split(separator: " ")[1].description
        }
        #expect(chosen() == "a")
        for (key, expected) in [
            (TopScreen.Key.down, "b"), (.down, "c"), (.down, "c"), (.up, "b"), (.up, "a"), (.up, "a"), (.down, "b"),
        ] {
            let goesOn = screen.press(key)
            #expect(goesOn && chosen() == expected)
        }
        // One that is in trouble moves up, and the cursor stays with its topology.
        screen.history.note(
            TopHistory.Look(statuses: [status("a"), status("b"), status("c") { $0.kind = .failed }], moment: .now))
        #expect(chosen() == "b")
        let end = screen.press(.quit)
        #expect(!end)
    }

    @Test func bytesBecomeKeys() {
        #expect(
            TopTerminal.keys(in: Array("\u{1B}[A\u{1B}[Bjk\r\u{1B}[D".utf8)) == [.up, .down, .down, .up, .enter, .back])
        #expect(TopTerminal.keys(in: [0x1B]) == [.back])
        #expect(TopTerminal.keys(in: Array("\u{1B}[1;5Aq".utf8)) == [.up, .quit])
        #expect(TopTerminal.keys(in: [3]) == [.quit])
        #expect(TopTerminal.keys(in: Array("\u{1B}[200~xyz".utf8)) == [])
    }

    @Test func textFromElsewhereCannotMoveTheCursor() {
        let hostile = status("bad\u{1B}[2J") {
            $0.kind = .failed
            $0.reason = "\u{1B}]0;title\u{07}gone\r\nover"
        }
        var screen = screen([[hostile]])
        _ = screen.press(.enter)
        for columns in [80, 30] {
            let text = screen.lines(columns: columns, rows: 24).joined()
            #expect(!text.unicodeScalars.contains { $0.properties.generalCategory == .control })
            #expect(text.contains("gone"))
        }
    }

    @Test func nothingAndTroubleAreSaid() {
        #expect(TopScreen().lines(columns: 80, rows: 24)[0] == "millrace top: waiting for the catalogue")
        #expect(screen([[]]).lines(columns: 80, rows: 24)[1].contains("nothing is deployed"))
        var screen = screen([[status("a")]])
        screen.trouble = "the database has not answered for 30 s"
        let lines = screen.lines(columns: 80, rows: 24)
        #expect(lines[0].hasSuffix("1 topology"))
        #expect(lines[1] == "  no news since then: the database has not answered for 30 s")
        #expect(lines.contains { $0.hasPrefix("> a") })
    }

    @Test func theGraphGrowsToTheGreatestValue() {
        #expect(TopScreen.graph([0, 1, 2, 4], 6) == "  ▁▃▅█")
        #expect(TopScreen.graph([0, 0], 2) == "▁▁")
        #expect(TopScreen.graph(Array(repeating: 3, count: 500), 4) == "████")
    }
}
