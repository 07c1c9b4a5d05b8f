import Foundation
import Testing

@testable import Nodes

/// Files that begin with a byte order mark: it costs no record, and every byte keeps its position.
@Suite struct FileMarkTests {
    private static let mark = "\u{feff}"

    /// The stand makes a dead letter of every record.
    private static let lacking = "none: missing or null, but required"

    @Test(arguments: [false, true]) func theFirstRecordIsReadAsOthersAre(isPacked: Bool) throws {
        let stand = try FileStand()
        let (text, places) = numberedLines(0..<200)
        try stand.write("a", Self.mark + text)
        if isPacked { try stand.pack("a") }
        let path = stand.path(isPacked ? "a.gz" : "a")
        try stand.run([path])
        #expect(stand.places.values.map { $0 } == [[0] + places.dropFirst().map { $0 + 3 }])
        #expect(stand.reasons == Array(repeating: Self.lacking, count: 200))
    }

    /// A chunk that does not begin the file has no mark, whatever it begins with; nor has another file's second run.
    @Test func onlyTheBeginningHasOne() throws {
        let stand = try FileStand()
        try stand.write("a", Self.mark + "{\"id\":1}\n")
        try stand.run([stand.path("a")])
        try stand.append("a", Self.mark + "{\"id\":2}\n{\"id\":3}\n")
        try stand.run([stand.path("a")])
        #expect(
            stand.reasons == [
                Self.lacking, "begins with a byte order mark, which JSON does not allow", Self.lacking,
            ])
        #expect(stand.places.values.map { $0 } == [[0, 12, 24]])
    }

    @Test func aLastRecordWithoutNewlineCounts() throws {
        let stand = try FileStand()
        try stand.write("a", Self.mark + "{\"id\":1}")
        try stand.run([stand.path("a")])
        #expect(stand.reasons == [Self.lacking] && stand.places.values.map { $0 } == [[0]])
    }

    @Test(arguments: ["", "\n", " \n"]) func aMarkAloneIsABlankLine(rest: String) throws {
        let stand = try FileStand()
        try stand.write("a", Self.mark + rest)
        try stand.run([stand.path("a")])
        #expect(stand.records == 0)
        try stand.append("a", "{\"id\":1}\n")
        try stand.run([stand.path("a")])
        #expect(stand.reasons == [Self.lacking])
    }

    @Test func afterARewindItIsReadAgain() throws {
        let stand = try FileStand()
        let (text, places) = numberedLines(0..<50)
        try stand.write("a", Self.mark + text)
        try stand.run([stand.path("a")]) { $0 == 1 }
        #expect(stand.places.values.map { $0 } == [[0] + places.dropFirst().map { $0 + 3 }])
        #expect(Set(stand.reasons) == [Self.lacking])
    }

    /// What a pipe gives continues what earlier pipes gave: its own beginning counts.
    @Test func aPipeBeginsWithOneEachTime() throws {
        let stand = try FileStand()
        for number in 0..<2 {
            try? FileManager.default.removeItem(atPath: stand.path("p"))
            let path = try stand.pipe("p")
            let writer = stand.feed(path, Array((Self.mark + "{\"id\":\(number)}\n").utf8), cutAt: [1, 2])
            try stand.run([path])
            writer.join()
        }
        #expect(stand.reasons == [Self.lacking, Self.lacking] && stand.places.values.map { $0 } == [[0, 12]])
    }
}
