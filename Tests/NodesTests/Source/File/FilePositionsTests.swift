import Dataflow
import Testing

@testable import Nodes

/// Which position a file continues, by what it holds.
@Suite struct FilePositionsTests {
    private static let lines = "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n"

    /// The tail of a position behind `end` bytes of a text.
    private func tail(_ text: String, upTo end: Int) -> Tail {
        let bytes = Array(text.utf8.prefix(end))
        var head = FileHead(bytes)
        let start = (bytes.dropLast().lastIndex(of: UInt8(ascii: "\n")) ?? -1) + 1
        return Tail(
            offset: Int64(start), timestamp: head.checksum(upTo: Int64(end)),
            checksum: Checksum.of(Array(bytes[start..<(end - 1)])))
    }

    private func position(_ path: String, _ number: Int = 1, _ next: Int64?, _ tail: Tail?) -> ClaimedPartition {
        ClaimedPartition(key: FilePositions.key(path, number), ownerEpoch: 1, nextOffset: next, tail: tail)
    }

    private func open(_ path: String) throws -> (reader: FileReader, head: FileHead) {
        let reader = try FileReader(path: path)
        return (reader, FileHead(try reader.bytes(at: 0, count: FileHead.bytesMax)))
    }

    @Test func theFirstFileOfAPathHasItsNameAndTheOthersANumber() {
        #expect(FilePositions.key("/a", 1) == PartitionKey(topic: "file:/a", partition: 0))
        #expect(FilePositions.key("/a", 2) == PartitionKey(topic: "file:/a#2", partition: 0))
    }

    @Test func whatWasMadeUnderAPathComesLatestFirst() {
        var positions = FilePositions([
            position("/a", 2, 5, nil), position("/a", 1, 9, nil), position("/b", 1, nil, nil),
        ])
        #expect(positions.made(under: "/a").map { positions.entries[$0].next } == [5, 9])
        #expect(positions.made(under: "/c").isEmpty)
        #expect(positions.addNew("/a") == FilePositions.key("/a", 3))
        #expect(positions.addNew("/c") == FilePositions.key("/c", 1))
        #expect(positions.made(under: "/a").count == 3)
    }

    @Test func aFileIsFoundUnderAnotherName() throws {
        let stand = try FileStand()
        let (reader, head) = try open(stand.write("now", Self.lines))
        let positions = FilePositions([
            position("/before", 1, 8, tail(Self.lines, upTo: 8)),
            position("/farther", 1, 16, tail(Self.lines, upTo: 16)),
            position("/other", 1, 8, tail("{\"m\":1}\n", upTo: 8)), position("/begun", 1, 0, nil),
        ])
        let found = try positions.continued(by: reader, head).map { positions.entries[$0].key.topic }
        #expect(found == ["file:/farther", "file:/before"], "the farthest first")
    }

    @Test func aFileWhoseEarlierLinesWereChangedContinuesNothing() throws {
        let stand = try FileStand()
        let known = [position("/before", 1, 16, tail(Self.lines, upTo: 16))]
        for text in ["{\"n\":1}\n{\"n\":9}\n", "{\"n\":1}\n", "{\"n\":1}\n{\"n\":2", "{\"n\":9}\n{\"n\":2}\n"] {
            let (reader, head) = try open(stand.write("now", text))
            #expect(try FilePositions(known).continued(by: reader, head).isEmpty, "\(text)")
        }
    }

    @Test func whatWasReadOnIsFoundByWhatItHoldsNow() throws {
        let stand = try FileStand()
        let (reader, head) = try open(stand.write("now", Self.lines))
        var positions = FilePositions([])
        let key = positions.addNew("/before")
        #expect(try positions.continued(by: reader, head).isEmpty)
        for end in [8, 16] { positions.moved(key, to: Int64(end), tail: tail(Self.lines, upTo: end)) }
        #expect(try positions.continued(by: reader, head) == [0], "once, although it has had two heads")
        positions.moved(FilePositions.key("/unknown", 1), to: 8, tail: nil)
        #expect(positions.entries.count == 1)
    }

    @Test func theFileAtItsPathContinuesIsAnotherOrIsDamaged() throws {
        let stand = try FileStand()
        func judge(_ text: String, _ next: Int64?, _ tail: Tail?) throws -> FilePositions.Judgement {
            let (reader, head) = try open(stand.write("a", text))
            return try FilePositions([position(stand.path("a"), 1, next, tail)]).judge(0, reader, head)
        }
        let read = tail(Self.lines, upTo: 16)
        guard case .continues = try judge(Self.lines, 16, read) else {
            Issue.record("what was read is not known again")
            return
        }
        guard case .other = try judge("{\"m\":1}\n{\"n\":2}\n", 16, read) else {
            Issue.record("another first line is another file")
            return
        }
        guard case .damaged(let reason) = try judge("{\"n\":1}\n{\"n\":9}\n", 16, read) else {
            Issue.record("a changed line behind the same first one was not noticed")
            return
        }
        #expect(reason == "it begins as it did, but up to byte 16 it is not what was read last time")
        guard case .continues = try judge(Self.lines, nil, nil) else {
            Issue.record("a file of which nothing was read does not begin")
            return
        }
    }

    /// Of a version that stored no checksum of the beginning: the line alone tells.
    @Test func aPositionWithoutAHeadIsJudgedByItsLine() throws {
        let stand = try FileStand()
        let (reader, head) = try open(stand.write("a", Self.lines))
        var old = tail(Self.lines, upTo: 16)
        old.timestamp = nil
        guard case .continues = try FilePositions([position("/a", 1, 16, old)]).judge(0, reader, head) else {
            Issue.record("the line is there")
            return
        }
        old.checksum ^= 1
        guard case .damaged(let reason) = try FilePositions([position("/a", 1, 16, old)]).judge(0, reader, head) else {
            Issue.record("another line was taken for it")
            return
        }
        #expect(reason == "the line in front of byte 16 is not the one that was read last time")
    }
}
