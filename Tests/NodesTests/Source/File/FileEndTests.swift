import Foundation
import Testing

@testable import Nodes

/// How files end: in the middle of a line, behind a gzip member, with what is not read here.
@Suite struct FileEndTests {
    @Test func halfALineIsReadWhenItIsWhole() throws {
        let (text, places) = numberedLines(0..<20)
        for cut in [1, text.utf8.count / 2, text.utf8.count - 1, text.utf8.count - 2] {
            let stand = try FileStand()
            try stand.write("a", String(text.prefix(cut)))
            try stand.run([stand.path("a")])
            try stand.write("a", text)
            try stand.run([stand.path("a")])
            #expect(stand.places.values.map { $0 } == [places], "cut at byte \(cut)")
        }
    }

    @Test func aLastLineWithoutNewlineCountsOnceItIsAWholeRecord() throws {
        let stand = try FileStand()
        try stand.write("a", "{\"id\":1}\n{\"id\":\"}\"}")
        try stand.run([stand.path("a")])
        #expect(stand.records == 2)
        try stand.append("a", "\n{\"id\":")
        try stand.run([stand.path("a")])
        #expect(stand.records == 2 && stand.warnings.contain("in the middle of a line"))
        try stand.append("a", "3}\n")
        try stand.run([stand.path("a")])
        #expect(stand.records == 3 && !stand.warnings.contain("in the middle of a line"))
    }

    /// A program that has not opened the pipe yet, or writes nothing, is waited for; that is said once.
    @Test func aPipeThatNobodyWritesToIsSaid() throws {
        let stand = try FileStand()
        let path = try stand.pipe("p")
        let words = Words()
        let writer = FileStand.Writer {
            try? eventually("nothing was said") { words.contain("Nothing has come from a pipe yet") }
            try? Data("{}\n".utf8).write(to: URL(fileURLWithPath: path))
        }
        try stand.run([path], words: words)
        writer.join()
        #expect(stand.records == 1 && words.contain(path))
    }

    @Test(arguments: [
        ("{}", LastLine.Kind.whole), ("{\"a\":1} \r", .whole), ("{\"a\":\"}\"", .unfinished),
        ("{\"a\":\"\\\"}\"}", .whole),
        ("[1,{}]", .whole), ("12", .unfinished), ("nul", .unfinished), ("{} {", .unfinished), ("", .blank),
        (" \r", .blank),
        ("\"text\"", .unfinished), ("{", .unfinished),
    ]) func aWholeRecordSaysItselfWhereItEnds(line: String, kind: LastLine.Kind) {
        for (text, beginsFile) in [(line, false), (line, true), ("\u{feff}" + line, true)] {
            let found = unsafe Array(text.utf8).withUnsafeBytes { unsafe LastLine.kind(of: $0, beginsFile: beginsFile) }
            #expect(found == kind, "\(text)")
        }
    }

    /// `text` through gzip.
    private static func packed(_ text: String) throws -> Data {
        let stand = try FileStand()
        try stand.write("x", text)
        try stand.pack("x")
        return try Data(contentsOf: URL(fileURLWithPath: stand.path("x.gz")))
    }

    @Test(arguments: [false, true]) func membersAndZerosAreReadAndAnythingElseBehindThemIsAnError(isPipe: Bool) throws {
        let lines = numberedLines(0..<30)
        let (first, second) = (try Self.packed(lines.text), try Self.packed("{\"id\":99}\n"))
        let cases: [(bytes: Data, records: Int, problem: String?)] = [
            (first + second, 31, nil), (first + second + Data(count: 700), 31, nil), (first, 30, nil),
            (first + Data("hello".utf8), 0, "from byte \(first.count) on"),
            (first + Data(count: 3) + Data("x".utf8), 0, "from byte \(first.count + 3) on"),
            (first.dropLast(9), 0, "cut short"), (first + second.prefix(5), 0, "cut short"),
        ]
        for (bytes, records, problem) in cases {
            let stand = try FileStand()
            let path: String
            var writer: FileStand.Writer?
            if isPipe {
                path = try stand.pipe("p")
                writer = stand.feed(path, Array(bytes), cutAt: [1, 2, 9])
            } else {
                path = stand.path("a.gz")
                try bytes.write(to: URL(fileURLWithPath: path))
            }
            if let problem {
                let error = #expect(throws: SourceError.self) { try stand.run([path]) }
                #expect(error?.description.contains(problem) == true, "\(error?.description ?? "")")
            } else {
                try stand.run([path])
                #expect(stand.records == records)
            }
            writer?.join()
        }
    }

    /// A gzip log grows by members (`gzip >> log.gz`), and a member may cut a record.
    @Test func aRecordThatAMemberCutsIsReadWhole() throws {
        let stand = try FileStand()
        let place = URL(fileURLWithPath: stand.path("a.gz"))
        let first = try Self.packed(numberedLines(0..<3).text + "{\"id\":")
        try first.write(to: place)
        try stand.run([place.path])
        #expect(stand.records == 3)
        try (first + Self.packed("3}\n{\"id\":4}\n")).write(to: place)
        try stand.run([place.path])
        #expect(stand.records == 5)
    }

    @Test(
        arguments: [
            ("zstd", [0x28, 0xb5, 0x2f, 0xfd, 0]), ("xz", [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 0]),
            ("bzip2", [0x42, 0x5a, 0x68, 0x39]),
            ("UTF-16", [0xff, 0xfe, 0x7b, 0]), ("zip", [0x50, 0x4b, 3, 4, 0]),
        ] as [(String, [UInt8])]) func whatIsNotReadHereIsNamedByItsFirstBytes(name: String, bytes: [UInt8]) throws
    {
        let stand = try FileStand()
        let path = stand.path("a")
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        let error = #expect(throws: SourceError.self) { try stand.run([path]) }
        #expect(error?.description.contains(name) == true)
        let pipe = try stand.pipe("p")
        let writer = stand.feed(pipe, bytes, cutAt: [1])
        let again = #expect(throws: SourceError.self) { try stand.run([pipe]) }
        #expect(again?.description.contains(name) == true)
        writer.join()
    }

    @Test func directoriesAndMissingFilesAreNamedWithTheirPlace() throws {
        let stand = try FileStand()
        let folder = #expect(throws: SourceError.self) { try stand.run([stand.folder.path]) }
        #expect(folder?.description.contains("it is a directory; give its files") == true)
        let missing = #expect(throws: SourceError.self) { try stand.run(["no-such-file.ndjson"]) }
        #expect(missing?.description.contains("/no-such-file.ndjson: cannot be opened") == true)
        #expect(missing?.description.contains("node events, t.yaml:4:11") == true)
    }
}
