import Dataflow
import Declaration
import Foundation
import Nodes
import Testing
import TopologyFile

@testable import Millrace

/// The pages that `scripts/docs` writes are those that the code makes.
@Suite struct ReferenceTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private func page(_ name: String) throws -> String {
        try String(contentsOf: Self.root.appending(path: "docs/\(name)"), encoding: .utf8)
    }

    @Test func pageOfNodesIsFresh() throws {
        #expect(try page("nodes.md") == Reference.Page.nodes.markdown, "run scripts/docs")
    }

    @Test func pageOfFunctionsIsFresh() throws {
        #expect(try page("functions.md") == Reference.Page.functions.markdown, "run scripts/docs")
    }

    /// Defaults fit their types, examples run, and so on.
    @Test func specsAreWithoutMistakes() {
        #expect(SpecAudit.problems(in: NodeCatalog.specs, settings: NodeCatalog.settings) == [])
    }

    @Test func tableOfKafkaSettingsIsFresh() throws {
        let page = try page("kafka.md")
        let mark = try #require(page.range(of: "<!-- Generated"))
        #expect(String(page[mark.lowerBound...]) == Reference.Page.kafkaSettings.markdown, "run scripts/docs")
    }

    @Test func topologyInTheReadmeIsTheShippedOne() throws {
        let shipped = try String(contentsOf: Self.root.appending(path: "topologies/game_kpis.yaml"), encoding: .utf8)
        let readme = try String(contentsOf: Self.root.appending(path: "README.md"), encoding: .utf8)
        let block = try #require(readme.split(separator: "```yaml\n").dropFirst().first?.split(separator: "```").first)
        // The README shows a part of it, nodes left out whole.
        for node in block.split(separator: "\n\n") { #expect(shipped.contains(node), "\(node)") }
    }
}

@Suite struct DemoPartsTests {
    @Test func theTopologyInTheProgramLoads() {
        let loader = TopologyLoader(environment: ["KAFKA_BROKERS": "k:9092", "DATABASE_URL": "postgresql://h/d"])
        let (topology, diagnostics) = loader.load(text: DemoShow.topologyText, from: "game_kpis.yaml")
        #expect(topology?.name == "game_kpis")
        #expect(diagnostics.all.isEmpty, "\(diagnostics)")
    }

    @Test func textTableAlignsNumbersToTheRight() {
        let table = TextTable([["name", "n"], ["a", "10"], ["long one", "-"]])
        let lines = [" name     |  n ", "----------+----", " a        | 10 ", " long one |  - "]
        #expect(table.description.split(separator: "\n").map(String.init) == lines)
        let short = TextTable([["records"], ["9"], ["12k"], ["1.5M"], ["-"]]).description.split(separator: "\n")
        #expect(
            short.map(String.init) == [" records ", "---------", "       9 ", "     12k ", "    1.5M ", "       - "])
        let words = TextTable([["name"], ["k"], ["12 k"]]).description.split(separator: "\n")
        #expect(words.map(String.init) == [" name ", "------", " k    ", " 12 k "])
    }

    @Test func lengthsOfTimeAreShownAsTheyAreWritten() {
        for text in ["30s", "250ms", "2m", "0s"] {
            #expect(TimeLength(argument: text)?.defaultValueDescription == text)
        }
    }
}
