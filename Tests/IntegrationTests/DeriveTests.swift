import Foundation
import Testing

/// `derive`: computed fields as everything behind it sees them.
@Suite struct DeriveTests {
    private static func run(
        _ nodes: String, _ lines: [String], environment: [String: String] = [:], tries: Bool = false
    ) throws -> Complaint {
        let folder = try TopologyFolder()
        let events = try folder.file(named: "events.ndjson", lines.joined(separator: "\n") + "\n")
        let path = try folder.file(
            named: "t.yaml",
            """
            topology: t
            workers: 2
            batch_bytes: 4KiB
            nodes:
              events: { file: "\(events)" }
              records:
                from: events
                parse_json: { fields: { uri: text, status: integer, price: decimal(2), user: text } }
            \(nodes)
              shown: { from: kpi, console: {} }
            """)
        return try Complaint.of(
            tries ? ["try", path, "--events", events] : ["run", path, "--progress", "none"], environment: environment)
    }

    private static func rows(_ complaint: Complaint) -> [Substring] {
        let lines = complaint.output.split(separator: "\n")
        return Dictionary(lines.map { ($0.prefix { $0 != "," }, $0) }) { _, last in last }.values.sorted()
    }

    /// 1,000 records in batches of some 40: derived texts are keys, are hashed, filtered, and outlive the batch's next use.
    @Test func derivedFieldsAreKeysMetricsAndConditions() async throws {
        try await onOwnThread {
            let lines = (0..<1_000).map { index in
                let uri = ["/user/\(index)?q=1", "/item/\(index)/x", "/"][index % 3]
                return
                    "{\"uri\": \"\(uri)\", \"status\": \(index % 10 == 0 ? 503 : 200), \"price\": 1.25, \"user\": \"U\(index % 50)\"}"
            }
            let complaint = try Self.run(
                """
                  shaped:
                    from: records
                    derive:
                      endpoint: path_template(split_part(uri, '?', 1))
                      class: "case when status >= 500 then '5xx' else 'other' end"
                      twice: price * 2
                      user: lower(user)
                  some: { from: shaped, filter: "endpoint <> '/' and user like 'u%'", concurrency: 2 }
                  kpi:
                    from: some
                    summarize:
                      by: [endpoint]
                      metrics:
                        n: count()
                        errors: { metric: count(), where: "class = '5xx'" }
                        users: uniques(user)
                        money: sum(twice)
                """, lines)
            let expected = [("/item/:id/x", 1), ("/user/:id", 0)].map { name, rest in
                let indices = (0..<1_000).filter { $0 % 3 == rest }
                let users = Set(indices.map { $0 % 50 }).count
                let errors = indices.filter { $0 % 10 == 0 }.count
                return
                    "{\"endpoint\": \"\(name)\", \"n\": \(indices.count), \"errors\": \(errors), \"users\": \(users), "
                    + "\"money\": \(indices.count * 5 / 2).\(indices.count % 2 == 0 ? "00" : "50")}"
            }
            #expect(Self.rows(complaint).map(String.init) == expected, "\(complaint.text)")
        }
    }

    @Test func nullsThatExpressionsMakeAreCountedByPlace() async throws {
        try await onOwnThread {
            let complaint = try Self.run(
                """
                  shaped:
                    from: records
                    derive:
                      ratio: 100 / status
                  kpi: { from: shaped, summarize: { by: [ratio], metrics: { n: count() } } }
                """,
                ["{\"status\": 0}", "{\"status\": 0}", "{\"status\": 50}", "{}"])
            #expect(
                Self.rows(complaint) == ["{\"ratio\": 2, \"n\": 1}", "{\"ratio\": null, \"n\": 3}"], "\(complaint.text)"
            )
            complaint.expect(
                .code(0), "WARNING Nulls made by an expression", "count=2", "field=ratio", "node=shaped", "operation=/",
                "t.yaml:12:14")
        }
    }

    @Test func nullsOfConditionsAreCountedToo() async throws {
        try await onOwnThread {
            let nodes = """
                  big: { from: records, filter: "100 / status > 1" }
                  kpi:
                    from: big
                    summarize:
                      grouping_sets: [[user], []]
                      metrics:
                        n: count()
                        known: { metric: count(), where: "user::integer > 0" }
                """
            let lines = [
                "{\"status\": 0}", "{\"status\": 50, \"user\": \"x\"}", "{\"status\": 50, \"user\": \"7\"}",
                "{\"status\": 0, \"user\": \"x\"}", "{\"status\": 25, \"user\": \"y\"}",
            ]
            let log = try Self.run(nodes, lines)
            for (line, count) in [("WARNING An expression made a null", ""), ("WARNING Nulls made by", "count=2 ")] {
                log.expect(.code(0), line, "t.yaml:9:34 \(count)node=big operation=/ ")
                log.expect(.code(0), line, "t.yaml:16:43 \(count)metric=known node=kpi operation=::integer ")
            }
            let report = try Self.run(nodes, lines, tries: true).output
            #expect(
                report.contains("t.yaml:9:34: '/' in the filter big made 2 nulls of values that were there"),
                "\(report)")
            #expect(
                report.contains(
                    "t.yaml:16:43: '::integer' in the condition of known in kpi made 2 nulls of values that were there"),
                "\(report)")
        }
    }

    @Test func pseudonymsAreKeyedAndTheKeyIsNeverSaid() async throws {
        try await onOwnThread {
            let nodes = """
                  shaped: { from: records, derive: { user: "pseudonym(user, '${USER_KEY}')" } }
                  kpi: { from: shaped, summarize: { by: [user], metrics: { n: count() } } }
                """
            let one = try Self.run(nodes, ["{\"user\": \"ada\"}"], environment: ["USER_KEY": Complaint.canary])
            let other = try Self.run(nodes, ["{\"user\": \"ada\"}"], environment: ["USER_KEY": "other"])
            #expect(
                one.exit == .code(0) && !one.text.contains(Complaint.canary) && !one.text.contains("ada"), "\(one.text)"
            )
            #expect(one.output != other.output && one.output.count == other.output.count)
        }
    }
}
