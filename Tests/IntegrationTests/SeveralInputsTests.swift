import Foundation
import Testing

/// Records of several sources in one summary.
@Suite struct SeveralInputsTests {
    /// 2,000 records of each of two files in layouts of their own come together; the same ones in one file, and one parser
    /// for both, give the same rows.
    @Test func joinedInputsCountLikeOne() async throws {
        try await onOwnThread {
            let folder = try TopologyFolder()
            var (old, new, all) = ("", "", "")
            for index in 0..<2_000 {
                let (kind, user) = ("k\(index % 7)", "\"u\(index % 131)\\n\"")
                old += "{\"k\": \"\(kind)\", \"u\": \(user), \"n\": \(index)}\n"
                new += "{\"noise\": 1, \"user\": \(user), \"n\": \(index * 3), \"kind\": \"\(kind)\"}\n"
                all += "{\"kind\": \"\(kind)\", \"user\": \(user), \"n\": \(index)}\n"
                all += "{\"kind\": \"\(kind)\", \"user\": \(user), \"n\": \(index * 3)}\n"
            }
            let paths = try [("old", old), ("new", new), ("all", all)].map {
                try folder.file(named: "\($0).ndjson", $1)
            }
            let summary = "summarize: { by: [kind], metrics: { c: count(), s: sum(n), users: uniques(user) } }"
            let joined = """
                topology: joined
                workers: 2
                batch_bytes: 4KiB
                nodes:
                  old: { file: "\(paths[0])" }
                  new: { file: "\(paths[1])" }
                  old_records: { from: old, parse_json: { fields: { k: text, u: text, n: integer } } }
                  renamed: { from: old_records, rename: { kind: k, user: u } }
                  new_records: { from: new, parse_json: { fields: { noise: integer, n: integer, user: text, kind: text } } }
                  both: { from: [renamed, new_records], filter: "n >= 0", concurrency: 2 }
                  kpi: { from: both, \(summary) }
                  shown: { from: kpi, console: {} }
                """
            let single = """
                topology: single
                nodes:
                  all: { file: "\(paths[2])" }
                  records: { from: all, parse_json: { fields: { kind: text, user: text, n: integer } } }
                  kpi: { from: records, \(summary) }
                  shown: { from: kpi, console: {} }
                """
            let fused = joined.replacing(", concurrency: 2", with: "").replacing(
                "topology: joined", with: "topology: fused")
            let outputs = try [("joined", joined), ("fused", fused), ("single", single)].map { name, text in
                let path = try folder.file(named: "\(name).yaml", text)
                let run = try Complaint.of(["run", path, "--progress", "none"])
                // An epoch may end with each file; what a kind has come to is its last line.
                let lines = run.output.split(separator: "\n")
                return Dictionary(lines.map { ($0.prefix { $0 != "," }, $0) }) { _, last in last }.values.sorted()
            }
            #expect(outputs[2].count == 7)
            #expect(outputs[0] == outputs[2] && outputs[1] == outputs[2], "\(outputs)")
        }
    }
}
