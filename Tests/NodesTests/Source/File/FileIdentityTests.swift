import Dataflow
import Foundation
import Testing

@testable import Nodes

/// A position belongs to what a file holds, not to what it is called.
@Suite struct FileIdentityTests {
    private static let old = numberedLines(0..<40).text
    private static let new = numberedLines(100..<110).text

    @Test(arguments: ["renamed", "packed", "copied and truncated"])
    func aRotatedFileIsNotReadTwice(how: String) throws {
        let stand = try FileStand()
        try stand.write("app.log", Self.old)
        try stand.run([stand.path("app*")])
        #expect(stand.records == 40)
        switch how {
        case "renamed": try stand.move("app.log", to: "app.log.1")
        case "packed":
            try stand.move("app.log", to: "app.log.1")
            try stand.pack("app.log.1")
        default: try stand.write("app.log.1", Self.old)
        }
        try stand.write("app.log", Self.new)
        try stand.run([stand.path("app*")])
        #expect(stand.records == 50, "what was read stays, and the new file is read from its start")
        try stand.append("app.log", #"{"id":1}"# + "\n")
        try stand.run([stand.path("app*")])
        #expect(stand.records == 51)
        #expect(stand.places.keys.sorted() == ["file:\(stand.path("app.log"))", "file:\(stand.path("app.log"))#2"])
    }

    @Test func aRotatedFileGoesOnWhereItWasLeft() throws {
        let stand = try FileStand()
        try stand.write("app.log", Self.old)
        try stand.run([stand.path("app*")])
        try stand.append("app.log", Self.new)
        try stand.move("app.log", to: "app.log.1")
        try stand.run([stand.path("app*")])
        #expect(stand.records == 50)
    }

    @Test func aNewFileThatBeginsAsTheRotatedOneDidIsNew() throws {
        let stand = try FileStand()
        try stand.write("app.log", "{\"started\":1}\n" + Self.old)
        try stand.run([stand.path("app*")])
        try stand.move("app.log", to: "app.log.1")
        try stand.write("app.log", "{\"started\":1}\n" + Self.new)
        try stand.run([stand.path("app*")])
        #expect(stand.records == 52)
    }

    @Test(arguments: ["cut short", "edited"]) func aFileThatIsNotAsItWasStopsTheRun(how: String) throws {
        let stand = try FileStand()
        try stand.write("app.log", Self.old)
        try stand.run([stand.path("app.log")])
        let changed =
            how == "edited" ? Self.old.replacing("\"id\":7,", with: "\"id\":8,") : String(Self.old.prefix(300))
        try stand.write("app.log", changed)
        let error = #expect(throws: SourceError.self) { try stand.run([stand.path("app.log")]) }
        #expect(error?.code == .tailMismatch)
        #expect(error?.description.contains("UPDATE millrace.partitions") == true)
        #expect(stand.records == 40)
    }

    /// The same under another name, as far as its beginning says that it is the same file.
    @Test(arguments: ["cut short", "edited"], [true, false])
    func aFileThatWasRenamedAndIsNotAsItWasStopsTheRun(how: String, isSeenFirst: Bool) throws {
        let stand = try FileStand()
        let old = numberedLines(0..<2_000).text
        try stand.write("app.log", old)
        try stand.run([stand.path("app*")])
        try stand.move("app.log", to: "app.log.1")
        if isSeenFirst { try stand.run([stand.path("app*")]) }
        let changed =
            how == "edited"
            ? old.replacing("\"id\":1999,", with: "\"id\":1998,") : String(old.prefix(old.utf8.count / 2))
        #expect(changed != old && changed.utf8.count > FileHead.bytesMax)
        try stand.write("app.log.1", changed)
        let error = #expect(throws: SourceError.self) { try stand.run([stand.path("app*")]) }
        #expect(error?.code == .tailMismatch)
        #expect(error?.description.contains("which is not here any more") == true)
        #expect(error?.description.contains("those of file:\(stand.path("app.log")), which") == true)
        #expect(error?.description.contains("`copies: count`") == true)
        #expect(stand.records == 2_000)
        try stand.run([stand.path("app*")], copies: .count)
        #expect(stand.records > 2_000)
    }

    /// A first line may be that of many files.
    @Test func aFileWithTheFirstLineOfOneThatIsGoneIsReadAndTold() throws {
        let stand = try FileStand()
        try stand.write("monday.log", "{\"started\":1}\n" + Self.old)
        try stand.run([stand.path("*.log")])
        try stand.move("monday.log", to: "monday.gone")
        try stand.write("tuesday.log", "{\"started\":1}\n" + Self.new)
        try stand.run([stand.path("*.log")])
        #expect(stand.records == 52)
        #expect(stand.warnings.contain("has the first line of one that is not here any more"))
    }

    /// A path that has had two files: what was read of the first one is known, too.
    @Test func aFileThatComesBackCutShortStopsTheRun() throws {
        let stand = try FileStand()
        let (first, second) = (numberedLines(0..<2_000).text, numberedLines(5_000..<5_100).text)
        for text in [first, second] {
            try stand.write("app.log", text)
            try stand.run([stand.path("app.log")])
        }
        #expect(stand.records == 2_100)
        try stand.write("app.log", String(first.prefix(first.utf8.count / 2)))
        let error = #expect(throws: SourceError.self) { try stand.run([stand.path("app.log")]) }
        #expect(error?.code == .tailMismatch)
        #expect(stand.records == 2_100)
    }

    @Test func anotherFileAtThePathIsReadFromItsStart() throws {
        let stand = try FileStand()
        try stand.write("app.log", Self.old)
        try stand.run([stand.path("app.log")])
        try stand.write("app.log", Self.new)
        try stand.run([stand.path("app.log")])
        #expect(stand.records == 50)
        #expect(stand.warnings.contain("Another file"))
    }

    @Test func aFileIsReadOnceHoweverItIsSpelled() throws {
        let stand = try FileStand()
        let path = try stand.write("a.ndjson", Self.old)
        _ = unsafe link(path, stand.path("b.ndjson"))
        _ = unsafe symlink("a.ndjson", stand.path("c.ndjson"))
        try stand.run([
            path, stand.path("./a.ndjson"), stand.path("*.ndjson"),
            stand.path("../\(stand.folder.lastPathComponent)/a.ndjson"),
        ])
        #expect(stand.records == 40)
    }

    @Test func copiesAreRefusedSkippedOrCountedAsOneSays() throws {
        let stand = try FileStand()
        try stand.write("a", Self.old)
        try stand.write("b", Self.old)
        let error = #expect(throws: SourceError.self) { try stand.run([stand.path("*")]) }
        #expect(error?.description.contains("copies: skip") == true)
        #expect(stand.records <= 40)
        try stand.run([stand.path("*")], copies: .skip)
        #expect(stand.records == 40)
        try stand.run([stand.path("*")], copies: .count)
        #expect(stand.records == 80)
        try stand.run([stand.path("*")])
        #expect(stand.records == 80, "each has a position of its own now")
    }

    /// Left out, its rest would be lost; read, what both have would count twice.
    @Test(arguments: [FilePlan.Copies.refuse, .skip], [false, true])
    func aFileThatGoesOnWhereAnotherEndsIsNoCopy(copies: FilePlan.Copies, isPacked: Bool) throws {
        let stand = try FileStand()
        try stand.write("a", Self.old)
        try stand.write("b", Self.old + Self.new)
        if isPacked { try stand.pack("b") }
        let error = #expect(throws: SourceError.self) { try stand.run([stand.path("*")], copies: copies) }
        #expect(error?.description.contains("goes on for \(Self.new.utf8.count) bytes that are not there") == true)
        #expect(stand.records == 40)
        // What the message advises.
        try FileManager.default.removeItem(atPath: stand.path("a"))
        try stand.run([stand.path("*")], copies: copies)
        #expect(stand.records == 50)
    }

    /// A file that goes on behind what was read of another one, which has grown by the same since: nothing is lost.
    @Test(arguments: [false, true]) func aCopyOfWhatHasGrownSinceIsACopy(isPacked: Bool) throws {
        let stand = try FileStand()
        try stand.write("b", Self.old)
        try stand.run([stand.path("b")])
        try stand.append("b", Self.new)
        // It is looked at before the other one is read on.
        try stand.write("a", Self.old + Self.new)
        if isPacked { try stand.pack("a") }
        let error = #expect(throws: SourceError.self) { try stand.run([stand.path("*")]) }
        #expect(error?.description.contains("so it is a copy of it") == true)
        try stand.run([stand.path("*")], copies: .skip)
        #expect(stand.warnings.contain("A copy of a file is left out"))
        #expect(stand.records == 50)
    }

    /// What is behind the shared part cannot be unpacked: that is said, and not how much of it there is.
    @Test func aDamagedFileThatGoesOnIsNamed() throws {
        let stand = try FileStand()
        let long = numberedLines(100..<20_000, width: 50).text
        try stand.write("a", Self.old)
        try stand.write("b", Self.old + long)
        try stand.pack("b")
        let packed = try Data(contentsOf: URL(fileURLWithPath: stand.path("b.gz")))
        try packed.prefix(packed.count - 500).write(to: URL(fileURLWithPath: stand.path("b.gz")))
        let error = #expect(throws: SourceError.self) { try stand.run([stand.path("*")], copies: .skip) }
        #expect(error?.description.contains("b.gz") == true && error?.description.contains("gzip") == true)
        #expect(stand.records == 40)
    }

    /// A backup of before, beside a file that has grown since: also when it is packed.
    @Test(arguments: [false, true]) func anOlderCopyIsRefusedOrSkipped(isPacked: Bool) throws {
        let stand = try FileStand()
        try stand.write("app.log", Self.old)
        try stand.run([stand.path("app*")])
        try stand.write("app.old", Self.old)
        if isPacked { try stand.pack("app.old") }
        try stand.append("app.log", Self.new)
        let error = #expect(throws: SourceError.self) { try stand.run([stand.path("app*")]) }
        #expect(error?.description.contains("of which more was read, begins with") == true)
        try stand.run([stand.path("app*")], copies: .skip)
        #expect(stand.records == 50)
        // Another one that only begins alike is none.
        try stand.write("app.other", Self.old + numberedLines(200..<203).text)
        if isPacked { try stand.pack("app.other") }
        try stand.run([stand.path("app*")], copies: .skip)
        #expect(stand.records == 93)
    }

    @Test func positionsSetByHandAreLookedAt() throws {
        let stand = try FileStand()
        let reader = try FileReader(path: stand.write("a", Self.old))
        let head = FileHead(try reader.bytes(at: 0, count: FileHead.bytesMax))
        let places = numberedLines(0..<40).places
        func judge(_ next: Int64?, _ tail: Tail?) throws -> FilePositions.Judgement {
            let key = FilePositions.key(stand.path("a"), 1)
            return try FilePositions([ClaimedPartition(key: key, ownerEpoch: 1, nextOffset: next, tail: tail)])
                .judge(0, reader, head)
        }
        func isDamaged(_ next: Int64?, _ tail: Tail?) throws -> Bool {
            if case .damaged = try judge(next, tail) { true } else { false }
        }
        #expect(try !isDamaged(places[5], nil), "a line begins there")
        #expect(try isDamaged(places[5] + 1, nil))
        #expect(try isDamaged(1 << 40, nil))
        #expect(try isDamaged(-1, nil))
        #expect(try isDamaged(100_000_000_000, Tail(offset: 0, timestamp: nil, checksum: 1)))
        #expect(try isDamaged(10, Tail(offset: -93 << 30, timestamp: 1, checksum: 1)))
        #expect(try isDamaged(10, Tail(offset: 20, timestamp: 1, checksum: 1)))
        #expect(try !isDamaged(nil, nil))
    }

    /// What a refusal or a run without the copy leaves behind is no position: the content says what was read.
    @Test(arguments: [FilePlan.Copies.refuse, .skip])
    func aCopyGoesOnWhenTheOriginalIsTakenAway(copies: FilePlan.Copies) throws {
        let stand = try FileStand()
        try stand.write("a", Self.old)
        try stand.write("b", Self.old)
        let records = Self.old.split(separator: "\n").count
        if copies == .refuse {
            #expect(throws: SourceError.self) { try stand.run([stand.path("*")], copies: copies) }
        } else {
            try stand.run([stand.path("*")], copies: copies)
        }
        #expect(stand.records == records)
        try FileManager.default.removeItem(atPath: stand.path("a"))
        try stand.append("b", "{\"id\":1000}\n")
        try stand.run([stand.path("*")], copies: copies)
        #expect(stand.records == records + 1)
    }

    /// A backup from before, or what copytruncate has copied and not yet truncated.
    @Test func anOlderShorterCopyIsACopyToo() throws {
        for count in [3, 200] {
            let stand = try FileStand()
            let (old, _) = numberedLines(0..<count)
            let more = old + numberedLines(count..<count + 20).text
            try stand.write("app.log", more)
            try stand.write("app.log.bak", old)
            let error = #expect(throws: SourceError.self) { try stand.run([stand.path("app.log*")]) }
            #expect(error?.description.contains("app.log, of which more was read, begins with") == true)
            #expect(stand.records == count + 20)
            try stand.run([stand.path("app.log*")], copies: .skip)
            #expect(stand.records == count + 20)
            try stand.run([stand.path("app.log*")], copies: .count)
            #expect(stand.records == 2 * count + 20)
        }
    }

    /// The older one comes first by name and is new, the longer one was read in part: it goes on where it was.
    @Test func lookingForCopiesMovesNoPosition() throws {
        let stand = try FileStand()
        try stand.write("b", numberedLines(0..<50).text)
        try stand.run([stand.path("*")])
        try stand.append("b", numberedLines(50..<70).text)
        try stand.write("a", numberedLines(0..<30).text)
        try stand.run([stand.path("*")], copies: .skip)
        #expect(stand.records == 70)
    }

    @Test func blankLinesAloneMakeNoCopy() throws {
        let stand = try FileStand()
        try stand.write("a", "\n")
        try stand.write("b", "\n" + Self.old)
        try stand.run([stand.path("*")])
        #expect(stand.records == Self.old.split(separator: "\n").count)
    }

    @Test func twoSourcesOfATopologyMayNotReadOneFile() throws {
        let stand = try FileStand()
        let path = try stand.write("a", Self.old)
        _ = unsafe link(path, stand.path("b"))
        let registry = InputRegistry()
        func register(_ path: String, node: String, _ source: FileSource) throws {
            let input = try FileInput(path: path)
            try registry.register(
                input.number, isStream: input.isStream, label: input.label, by: source, node: node, topology: "t")
        }
        let (one, two) = (stand.source("one", registry), stand.source("two", registry))
        try register(path, node: "one", one)
        try register(path, node: "one", one)
        let error = #expect(throws: SourceError.self) { try register(stand.path("b"), node: "two", two) }
        #expect(error?.description.contains("node one and node two") == true)
        registry.release(one)
        try register(stand.path("b"), node: "two", two)
    }
}
