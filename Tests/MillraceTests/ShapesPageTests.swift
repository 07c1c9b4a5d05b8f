import Declaration
import Foundation
import Testing

@testable import Millrace

/// The topologies of `docs/shapes.md` are read as they stand there.
@Suite struct ShapesPageTests {
    private static let page = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "docs/shapes.md")

    private static func blocks() throws -> [String] {
        try String(contentsOf: page, encoding: .utf8).components(separatedBy: "```yaml\n").dropFirst().compactMap {
            $0.components(separatedBy: "```").first
        }
    }

    private static func indented(_ text: String, by count: Int) -> String {
        text.split(separator: "\n").map { String(repeating: " ", count: count) + $0 + "\n" }.joined()
    }

    @Test func everyExampleIsValid() throws {
        let blocks = try Self.blocks()
        #expect(blocks.count == 4)
        for block in blocks {
            let isWhole = block.hasPrefix("records:")
            let nodes =
                isWhole
                ? Self.indented(block, by: 2)
                : "  records:\n    from: events\n    parse_json:\n      each: spans\n" + Self.indented(block, by: 6)
            let last = block.contains("\nshaped:") ? "shaped" : "records"
            let text =
                "topology: t\nnodes:\n  events: { file: a.ndjson }\n\(nodes)"
                + "  kpi: { from: \(last), summarize: { metrics: { n: count() } } }\n  show: { from: kpi, console: {} }\n"
            let found = TopologyLoader(environment: [:]).load(text: text, from: "shapes.yaml")
            #expect(found.topology != nil && found.diagnostics.all.isEmpty, "\(found.diagnostics)\n\(text)")
        }
    }
}
