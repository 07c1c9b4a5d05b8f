import Foundation
import Testing

@testable import WebAPI

/// Where tokens come from.
@Suite struct TokenFileTests {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("millrace-token-\(UUID())")

    private func mode(_ path: String) throws -> Int {
        try #require(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
    }

    @Test func aMissingFileIsMadeForItsOwnerOnly() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appendingPathComponent("state/token").path
        let made = try TokenFile(path)
        #expect(made.text.wholeMatch(of: /[0-9a-f]{64}/) != nil)
        #expect(try mode(path) == 0o600)
        #expect(try mode(folder.appendingPathComponent("state").path) == 0o700)
        #expect(!made.isOpen)
        #expect(try TokenFile(path).text == made.text)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path + "/state") == ["token"])
        #expect(try TokenFile(folder.path + "/other").text != made.text)
    }

    /// Processes that start at once agree on one.
    @Test func oneOfManyMakersWins() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appendingPathComponent("token").path
        let texts = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<20 { group.addTask { try TokenFile(path).text } }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(texts.count == 1)
    }

    @Test func aFileOfSomebodyElseIsLookedAt() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let path = folder.appendingPathComponent("token").path
        let text = String(repeating: "x", count: 32)
        try Data("  \(text) \n and a remark\n".utf8).write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: path)
        let file = try TokenFile(path)
        #expect(file.text == text)
        #expect(file.isOpen)
        try Data("short\n".utf8).write(to: URL(fileURLWithPath: path))
        #expect { try TokenFile(path) } throws: { error in
            "\(error)" == "token file \(path): found 5 characters, expected at least 32; remove it to have one made"
        }
        #expect { try TokenFile(folder.path) } throws: { "\($0)".hasPrefix("token file \(folder.path): ") }
    }
}
