import Foundation
import Testing

/// JSON in texts, arrays of plain values, and arrays of keys and values, in a run: every figure is one that a person counts.
@Suite struct ValueShapesTests {
    private static func file(_ lines: [String]) throws -> (folder: TopologyFolder, path: String) {
        let folder = try TopologyFolder()
        return (folder, try folder.file(named: "sample.ndjson", lines.joined(separator: "\n") + "\n"))
    }

    @Test func jsonInTexts() async throws {
        try await onOwnThread {
            let payloads = (1...200).map { number in
                #"{"payload":"{\"user\":{\"id\":\#(number % 7)},\"items\":[{\"price\":\#(number).50},{\"price\":1}]}"}"#
            }
            let (_folder, path) = try Self.file(payloads + [#"{"payload":"no JSON"}"#, "{}"])
            let rows = try LogShapesTests.rows(
                of: path, parse: "{ fields: { payload: { type: text, max_bytes: 1KiB } } }",
                behind: """
                    taken: { from: records, derive: { user: "json_extract_path_text(payload, 'user', 'id')::integer", \
                    price: "json_extract_path_text(payload, 'items', '0', 'price')::decimal(2)", \
                    n: "json_array_length(json_extract_path_text(payload, 'items'))" } }
                    result: { from: taken, summarize: { metrics: { records: count(), users: uniques(user), sum: sum(price), \
                    items: sum(n) } } }
                    """)
            withExtendedLifetime(_folder) {}
            let row = try #require(rows.first)
            #expect(row["records"] == "202" && row["users"] == "7" && row["items"] == "400", "\(row)")
            #expect(row["sum"] == "20200" || row["sum"] == "20200.00" || row["sum"] == "20200.0", "\(row)")
        }
    }

    @Test func plainValues() async throws {
        try await onOwnThread {
            let lines = (0..<300).map { number in
                let tags = (0..<number % 4).map { "\"t\($0)\"" }.joined(separator: ",")
                return "{\"user\":\(number),\"tags\":[\(tags)]}"
            }
            let (_folder, path) = try Self.file(lines)
            let rows = try LogShapesTests.rows(
                of: path,
                parse:
                    "{ each: tags, fields: { tag: { path: \".\", type: text }, user: { path: ^.user, type: integer } } }",
                behind: """
                    result: { from: records, summarize: { by: [tag], metrics: { n: count(), users: uniques(user) } } }
                    """)
            withExtendedLifetime(_folder) {}
            let counts = Dictionary(uniqueKeysWithValues: rows.map { ($0["tag"] ?? "", $0["n"] ?? "") })
            #expect(counts == ["t0": "225", "t1": "150", "t2": "75"])
        }
    }

    @Test func keysAndValues() async throws {
        try await onOwnThread {
            let lines = (0..<300).map { number in
                let page = #"{"key":"page","value":{"string_value":"/\#(number % 3)"}}"#
                let time = #"{"value":{"int_value":"\#(number)"},"key":"ms"}"#
                let pairs = number % 2 == 0 ? [page, #"{"key":"other"}"#, time] : [time, page]
                return "{\"event_params\":[\(pairs.joined(separator: ","))]}"
            }
            let (_folder, path) = try Self.file(lines)
            let rows = try LogShapesTests.rows(
                of: path,
                parse: """
                    { accept: text, fields: { page: { path: "event_params[key=page].value.string_value", type: text }, \
                    ms: { path: "event_params[key=ms].value.int_value", type: integer } } }
                    """,
                behind: """
                    result: { from: records, summarize: { by: [page], metrics: { n: count(), ms: sum(ms) } } }
                    """)
            withExtendedLifetime(_folder) {}
            let sums = Dictionary(
                uniqueKeysWithValues: rows.map { ($0["page"] ?? "", "\($0["n"] ?? "") \($0["ms"] ?? "")") })
            #expect(sums == ["/0": "100 14850", "/1": "100 14950", "/2": "100 15050"])
        }
    }
}
