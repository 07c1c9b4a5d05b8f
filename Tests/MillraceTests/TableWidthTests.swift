import Declaration
import Testing

@testable import Millrace

@Suite struct TableWidthTests {
    private static func file(metrics count: Int) -> String {
        let metrics = (0..<count).map { "m\($0): max(n)" }.joined(separator: ", ")
        return """
            topology: wide
            nodes:
              lines: { file: e.ndjson }
              records: { from: lines, parse_json: { fields: { n: integer } } }
              all: { from: records, summarize: { metrics: { \(metrics) } } }
              out: { from: all, postgres: { url: "postgres://h/d", table: wide } }

            """
    }

    /// Before: `check` took it, and Postgres refused the table at the start.
    @Test(arguments: [(1_500, []), (1_700, ["too-many-columns"])])
    func moreColumnsThanATableHasAreRefused(metrics: Int, codes: [String]) {
        let found = TopologyLoader(environment: [:]).load(text: Self.file(metrics: metrics), from: "t.yaml").diagnostics
        #expect(found.all.map(\.code) == codes)
    }
}
