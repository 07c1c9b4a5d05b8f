import Foundation
import Testing

/// Codes are a contract: `check` prints them, scripts match them. Each stands in some test.
@Suite struct DiagnosticCodesTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private static func sources(below folder: String) -> [String] {
        let files = FileManager.default.enumerator(at: root.appending(path: folder), includingPropertiesForKeys: nil)
        return (files?.compactMap { $0 as? URL } ?? []).filter { $0.pathExtension == "swift" }
            .compactMap { try? String(contentsOf: $0, encoding: .utf8) }
    }

    /// The codes that the text of a program uses.
    private static func codes(in text: String) -> Set<String> {
        let uses = [
            /code:\s*"([a-z0-9]+(?:-[a-z0-9]+)*)"/, /report\(\s*"([a-z0-9]+(?:-[a-z0-9]+)*)",/,
            /problem\(\s*"([a-z0-9]+(?:-[a-z0-9]+)*)",/, /complaint\(\s*"([a-z0-9]+(?:-[a-z0-9]+)*)",/,
        ]
        return uses.reduce(into: []) { found, use in
            for match in text.matches(of: use) { found.insert(String(match.1)) }
        }
    }

    @Test func everyCodeStandsInATest() {
        let folders = ["TopologyFile", "Declaration", "Expressions", "Summaries", "Nodes", "Millrace/Wiring"]
        let used = folders.flatMap { Self.sources(below: "Sources/" + $0) }.reduce(into: Set<String>()) { found, text in
            found.formUnion(Self.codes(in: text))
        }
        #expect(used.count > 50, "the patterns find the codes: \(used.sorted())")
        #expect(used.isSuperset(of: ["wrong-type", "expression-syntax", "second-database", "no-value", "file"]))
        let tests = Self.sources(below: "Tests")
        let unnamed = used.filter { code in
            !tests.contains { $0.contains("[\(code)]") || $0.contains("\"\(code)\"") || $0.contains("\(code)]") }
        }
        #expect(unnamed.isEmpty, "no test names \(unnamed.sorted())")
    }
}
