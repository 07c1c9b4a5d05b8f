import Dataflow
import Declaration
import Testing

@testable import Millrace

/// Mistakes in a `lookup` node, and what it hands on.
@Suite struct LookupDiagnosticsTests {
    /// A topology whose node `named`, on line 6, has these settings.
    private static func load(
        _ lookup: String, by: String = "advertiser", eventTime: String = "event_time: ts, ",
        sink: String = "console: {}"
    ) -> (topology: CompiledTopology?, diagnostics: Diagnostics) {
        TopologyLoader(environment: ["TEXT": "t"]).load(
            text: """
                topology: t
                nodes:
                  e: { file: a.ndjson }
                  r: { from: e, parse_json: { \(eventTime)fields: { ts: timestamp, campaign: text, n: integer, v: double, ip: text } } }
                  s: { from: r, filter: "n > 0" }
                  named: { from: s, lookup: { \(lookup) } }
                  kpi: { from: named, summarize: { by: [\(by)], metrics: { n: count() } } }
                  out: { from: kpi, \(sink) }

                """, from: "t.yaml")
    }

    private static func lines(_ lookup: String, by: String = "advertiser", eventTime: String = "event_time: ts, ")
        -> [String]
    {
        load(lookup, by: by, eventTime: eventTime).diagnostics.all.map(\.description)
    }

    @Test(arguments: [
        (
            "on: campaign, add: advertiser",
            "t.yaml:6:3: error[lookup-origin]: lookup named has to say where its rows are, found none, expected one of table, "
                + "query, file, maxmind; for example table: campaigns"
        ),
        (
            "file: a.csv, table: b, on: campaign, add: advertiser",
            "t.yaml:6:37: error[lookup-origin]: lookup named has to say where its rows are, found table and file, expected one "
                + "of table, query, file, maxmind; keep one of them"
        ),
        (
            "file: a.csv, on: { v: id }, add: advertiser",
            "t.yaml:6:50: error[lookup-key]: field v is a double, which is equal to little else, expected a field of another "
                + "type; declare it as decimal(n) in parse_json"
        ),
        (
            "maxmind: a.mmdb, on: n, add: advertiser",
            "t.yaml:6:52: error[lookup-key]: a MaxMind database is asked with one text field that holds an address, found n "
                + "(integer); name one text field"
        ),
        (
            "table: a, on: campaign, add: advertiser",
            "t.yaml:6:3: error[lookup-database]: lookup named reads from Postgres and names no database, and the topology has no "
                + "postgres node whose it could be; add url: \"${DATABASE_URL}\""
        ),
        (
            "file: a.csv, on: campaign, add: advertiser, notify: c",
            "t.yaml:6:83: error[lookup-setting]: notify is of a database, and the rows are in a file; remove it"
        ),
        (
            "file: a.csv, on: campaign, add: advertiser, valid_from: s",
            "t.yaml:6:87: error[lookup-setting]: valid_from without as_of, which says the moment at which rows are to hold; add "
                + "as_of: event"
        ),
        (
            "file: a.csv, on: campaign, add: advertiser, as_of: event, valid_from: s",
            "t.yaml:6:82: error[lookup-setting]: as_of needs the columns that say how long a row holds, found valid_from, expected "
                + "valid_from and valid_to; for example valid_from: since and valid_to: until"
        ),
        (
            "file: a.csv, on: campaign, add: advertiser, every: 1h, max_staleness: 30m",
            "t.yaml:6:101: error[lookup-setting]: max_staleness is not above every, so the content would be too old at each "
                + "refresh; raise max_staleness, or lower every"
        ),
        (
            "file: a.csv, on: campain, add: advertiser",
            "t.yaml:6:48: error[unknown-field]: the records have no field 'campain', expected one of ts, campaign, n, v, ip; did "
                + "you mean 'campaign'?"
        ),
        (
            "file: a.csv, on: [campaign, campaign], add: advertiser",
            "t.yaml:6:59: error[field-twice]: field campaign is named twice; name it once"
        ),
        (
            "file: a.csv, on: campaign, add: [advertiser, n]",
            "t.yaml:6:76: error[field-twice]: the records have a field n already, expected a new name; write n_added: { column: n, "
                + "type: … }, or drop the field before"
        ),
        (
            "file: a.csv, on: campaign, add: { advertiser: string }",
            "t.yaml:6:77: error[field-type]: unknown type, found \"string\", expected text, integer, decimal(0…18), double, boolean "
                + "or timestamp; did you mean text?"
        ),
        (
            "file: a.csv, on: campaign, add: { advertiser: timestamp(ms) }",
            "t.yaml:6:77: error[field-type]: unknown type, found \"timestamp(ms)\", expected text, integer, decimal(0…18), double, "
                + "boolean or timestamp; did you mean timestamp?"
        ),
        (
            "table: \"a b.c.d\", on: campaign, add: advertiser, url: \"postgresql:///x\"",
            "t.yaml:6:40: error[table-name]: table 'a b.c.d' has 3 parts, expected table or schema.table; the database is named in "
                + "the url: write b.c.d"
        ),
    ])
    func aMistakeIsOneError(lookup: String, expected: String) {
        let found = Self.lines(lookup)
        if expected.contains("a b.c.d") {
            #expect(found.count == 1 && found[0].contains("error[table-name]"), "\(found)")
        } else {
            #expect(found == [expected])
        }
    }

    @Test func asOfNeedsAnEventTime() {
        let found = Self.lines(
            "file: a.csv, on: campaign, add: advertiser, as_of: event, valid_from: s, valid_to: u", eventTime: "")
        #expect(
            found.count == 1 && found[0].contains("error[lookup-setting]: as_of: event needs records with"), "\(found)")
    }

    @Test func aDatabaseOfNetworksHasNoOtherTimes() {
        let found = Self.lines("maxmind: a.mmdb, on: ip, add: advertiser, as_of: event, valid_from: s, valid_to: u")
        #expect(
            found.count == 1 && found[0].contains("error[lookup-setting]: a MaxMind database has no rows of other"),
            "\(found)")
    }

    /// What is wrong with an added field is said once, and not again by whoever uses it.
    @Test func aFieldWithAMistakeHasNoFollowers() {
        let found = Self.lines("file: a.csv, on: campaign, add: { advertiser: string, tz: text }", by: "advertiser, tz")
        #expect(found.count == 1, "\(found)")
    }

    @Test(arguments: [
        ("file: a.csv, on: campaign, add: [advertiser, tz]", "advertiser, tz", [ColumnType.text, .text]),
        (
            "file: a.csv, on: { campaign: id, n: number }, add: { advertiser: text, budget: { column: b, type: decimal(2) } }, missing: null",
            "advertiser, budget", [.text, .decimal(scale: 2)]
        ),
        (
            "maxmind: a.mmdb, on: ip, add: { advertiser: { column: country.iso_code } }, missing: drop", "advertiser",
            [.text]
        ),
        (
            "query: \"select 1\", url: \"postgresql:///x\", on: campaign, add: advertiser, notify: c, every: 1m, max_staleness: 1h",
            "advertiser", [.text]
        ),
    ])
    func fieldsAreAddedWithTheirTypes(lookup: String, by: String, types: [ColumnType]) throws {
        let (topology, diagnostics) = Self.load(lookup, by: by)
        #expect(diagnostics.all.isEmpty, "\(diagnostics)")
        let stage = try #require(topology?.stages.first { $0.name == "named" })
        #expect(stage.plan.addedColumns == types)
    }

    /// A table without a url is in the database of the `postgres` nodes.
    @Test func theDatabaseIsThatOfTheSinks() {
        let (topology, diagnostics) = Self.load(
            "table: a, on: campaign, add: advertiser", sink: "postgres: { url: \"postgresql:///x\", table: t }")
        #expect(topology != nil, "\(diagnostics)")
    }

    /// What rows mean depends on what is looked up, and not on the node's name or on the folder of a file.
    @Test func whatIsLookedUpIsPartOfTheMeaning() throws {
        func meaning(_ lookup: String, by: String = "advertiser") throws -> [String] {
            let topology = try #require(Self.load(lookup, by: by).topology)
            let kpi = try #require(topology.stages.firstIndex { $0.name == "kpi" })
            return topology.meaning(behind: kpi).lines.map { "\($0.key) \($0.value)" }
        }
        let base = try meaning("file: a.csv, on: campaign, add: advertiser")
        #expect(base.contains("field advertiser is advertiser (text) of file a.csv by campaign"), "\(base)")
        #expect(try meaning("file: /x/y/a.csv, on: campaign, add: advertiser, every: 1h") == base)
        #expect(try meaning("file: a.csv, on: { campaign: id }, add: advertiser") != base)
        #expect(try meaning("file: b.csv, on: campaign, add: advertiser") != base)
        #expect(try meaning("file: a.csv, on: campaign, add: { advertiser: { column: name } }") != base)
        #expect(try meaning("file: a.csv, on: campaign, add: advertiser, missing: drop") != base)
        #expect(
            try meaning("file: a.csv, on: campaign, add: advertiser, as_of: event, valid_from: s, valid_to: u") != base)
        // What comes from the environment may be a secret, and is kept as a digest.
        let secret = try meaning(
            "query: \"select * from ${TEXT}\", url: \"postgresql:///x\", on: campaign, add: advertiser"
        )
        #expect(
            secret.contains { $0.contains("of query sha256 ") } && !secret.contains { $0.contains("select") },
            "\(secret)")
        // What nobody uses decides nothing.
        let without = try meaning("file: a.csv, on: campaign, add: advertiser", by: "campaign")
        #expect(!without.contains { $0.contains("a.csv") }, "\(without)")
    }
}
