import Dataflow
import Testing

@testable import Nodes

@Suite struct DeadLetterWriterTests {
    private static func letters(_ payloads: [String], _ framing: Framing) throws -> [ParseStand.Letter] {
        try ParseStand("{ fields: { v: integer } }").run(payloads, framing: framing).letters
    }

    @Test func aMessageIsFoundByItsOffset() throws {
        let found = try Self.letters([#"{"v":1}"#, "x", #"{"v":true}"#], .document)
        #expect(found.map(\.offset) == [101, 102] && found.map(\.line) == [0, 0])
        #expect(found.map(\.payload) == ["x", #"{"v":true}"#])
    }

    @Test func linesOfAMessageAreCountedWithTheBlankOnes() throws {
        let found = try Self.letters(["x\n\n{}\n y\n", "{}", "\nz\nx"], .lines)
        #expect(found.map(\.offset) == [100, 100, 102, 102])
        #expect(found.map(\.line) == [0, 3, 1, 2])
        #expect(found.map(\.payload) == ["x", "y", "z", "x"])
    }

    @Test func linesOfAFileAreFoundByTheirPosition() throws {
        // "{}\nxyz\n" begins at 100, and the next chunk at 107.
        let found = try Self.letters(["{}\nxyz", "{}\n\nq"], .chunk)
        #expect(found.map(\.offset) == [103, 111] && found.map(\.line) == [0, 0])
    }

    @Test func longDocumentsAreCut() throws {
        let found = try Self.letters(["x" + String(repeating: "y", count: 10_000)], .document)
        #expect(found[0].payload.utf8.count == Limits.deadLetterBytesMax)
    }
}
