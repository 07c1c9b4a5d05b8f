import Declaration
import Foundation
import Testing

@testable import Millrace

/// Files with one fault each, and what a person is told about it, to the letter: `Broken/NAME.yaml` and `NAME.txt` beside
/// it. The head of a file says what is wrong with it, and how it is mended by what the advice says; the mended file is
/// checked too.
@Suite struct BrokenTopologyTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Broken")

    private static func names(with suffix: String) -> [String] {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return files.filter { $0.hasSuffix(suffix) }.map { String($0.dropLast(suffix.count)) }.sorted()
    }

    private static func text(_ name: String) throws -> String {
        try String(contentsOf: folder.appending(path: name), encoding: .utf8)
    }

    @Test func everyFileHasItsExpectation() {
        let files = Self.names(with: ".yaml")
        #expect(files.count >= 40)
        #expect(files == Self.names(with: ".txt"))
    }

    @Test(arguments: names(with: ".yaml"))
    func whatIsWrongIsSaidToTheLetter(name: String) throws {
        let found = TopologyLoader(environment: [:]).load(text: try Self.text("\(name).yaml"), from: "\(name).yaml")
        #expect(found.diagnostics.hasErrors)
        let expected = try Self.text("\(name).txt")
        #expect(found.diagnostics.report + "\n" == expected)
    }

    /// The first lines are `# what is wrong` and `# Mended by: this => that`, where `\n` is the end of a line.
    @Test(arguments: names(with: ".yaml"))
    func whatIsMendedIsRight(name: String) throws {
        let lines = try Self.text("\(name).yaml").split(separator: "\n", omittingEmptySubsequences: false)
        let mend = try #require(lines[1].wholeMatch(of: /# Mended by: (.*?) => (.*)/), "\(name): how is it mended?")
        let (old, new) = (
            mend.1.replacing("\\n", with: "\n"), mend.2.replacing("\\n", with: "\n")
        )
        let body = lines.dropFirst(2).joined(separator: "\n")
        try #require(body.ranges(of: old).count == 1, "\(name): \(old) stands once")
        let found = TopologyLoader(environment: [:]).load(text: body.replacing(old, with: new), from: "\(name).yaml")
        #expect(!found.diagnostics.hasErrors, "\(found.diagnostics)")
    }
}
