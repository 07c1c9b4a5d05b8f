import Dataflow
import Declaration
import Testing
import TopologyFile

@testable import Nodes

/// What the parts of a replay know of its letters.
@Suite struct ReplayDeskTests {
    private static let key = PartitionKey(topic: "t", partition: 0)

    private static func letter(_ id: Int64, at offset: Int64) -> ReplayLetter {
        ReplayLetter(
            id: id, place: ReplayPlace(offset: offset, line: 0, payload: [1, 2]), counted: "dead", refusedBy: nil,
            isDead: true, clock: nil, lacking: 1, obstacle: nil)
    }

    private static func advance(to end: Int64) -> PartitionAdvance {
        var advance = PartitionAdvance(key: key, ownerEpoch: 1, from: 0)
        advance.to = end
        return advance
    }

    @Test func lettersAreThoseOfAStretch() throws {
        let desk = ReplayDesk(ReplayChoice(), scope: try ReplayScope(Self.topology()), isRehearsal: false)
        desk.add([2, 2, 5, 9].enumerated().map { Self.letter(Int64($0), at: $1) }, of: Self.key)
        #expect(desk.letters(of: Self.key, 0..<2).isEmpty)
        #expect(desk.letters(of: Self.key, 2..<9).map(\.id) == [0, 1, 2])
        #expect(desk.letters(of: Self.key, 3..<100).map(\.id) == [2, 3])
        desk.hold(of: Self.key, in: 2..<3) { $0.id == 1 ? "gone" : nil }
        desk.hold(of: Self.key, in: 2..<3) { _ in "later" }
        #expect(desk.letters(of: Self.key, 0..<10).map(\.obstacle) == ["later", "gone", nil, nil])
    }

    @Test func whatIsCommittedIsForgottenAndCounted() throws {
        let desk = ReplayDesk(ReplayChoice(), scope: try ReplayScope(Self.topology()), isRehearsal: false)
        desk.add([1, 4, 7].enumerated().map { Self.letter(Int64($0), at: $1) }, of: Self.key)
        var tally = ReplayTally()
        tally.applied = 1
        tally.failed = ["truncated": 1]
        desk.committed([Self.advance(to: 5)], tally)
        #expect(desk.position(of: Self.key) == 5)
        #expect(desk.letters(of: Self.key, 0..<10).map(\.id) == [2])
        #expect(desk.tally.letters == 2 && desk.tally.failures == 1)
        // A rewind begins again there.
        desk.begin([(0, ClaimedPartition(key: Self.key, ownerEpoch: 1, nextOffset: 5, tail: nil))])
        #expect(desk.letters(of: Self.key, 0..<10).isEmpty)
        desk.leaveOthers(of: [(Self.key, 3), (PartitionKey(topic: "u", partition: 1), 4)])
        #expect(desk.tally.untouched.map(\.value) == [4])
    }

    @Test func aRecordLacksWhatIsBehindWhoRefusedIt() throws {
        let scope = try ReplayScope(Self.topology())
        let (one, two) = (scope.behind("one"), scope.behind("two"))
        #expect(one != 0 && two != 0 && one & two == 0)
        #expect(scope.behind("parse") == one | two && scope.behind("table_one") == one && scope.behind("filter") == two)
        #expect(scope.lacking(node: "one", refusers: ["one"]).bits == one)
        #expect(scope.lacking(node: "filter", refusers: ["filter", "one"]).bits == one | two)
        // An earlier version said the node alone: enough for the parser.
        #expect(scope.lacking(node: "parse", refusers: nil).bits == one | two)
        #expect(scope.lacking(node: "one", refusers: nil).obstacle?.contains("earlier version") == true)
        #expect(scope.lacking(node: "old", refusers: ["old"]).obstacle?.contains("no node old any more") == true)
        #expect(scope.names(of: two) == ["two"])
    }

    private static func topology() throws -> CompiledTopology {
        let text = """
            topology: two
            nodes:
              events: { file: "a.ndjson" }
              parse: { from: events, parse_json: { fields: { a: integer } } }
              one: { from: parse, summarize: { metrics: { n: count() } } }
              table_one: { from: one, postgres: { url: "postgresql://localhost/d", table: one } }
              filter: { from: parse, filter: "a > 1" }
              two: { from: filter, summarize: { metrics: { n: count() } } }
              table_two: { from: two, postgres: { url: "postgresql://localhost/d", table: two } }
            """
        let (declaration, diagnostics) = TopologyReader(
            specs: NodeCatalog.specs, settings: NodeCatalog.settings, environment: [:]
        ).survey(file: "two.yaml", bytes: Array(text.utf8))
        #expect(!diagnostics.hasErrors)
        let (topology, problems) = TopologyCompiler.compile(try #require(declaration), types: NodeCatalog.types)
        #expect(!problems.hasErrors)
        return topology
    }
}
