import Testing

@testable import Nodes

@Suite struct FileHeadTests {
    private func append(_ text: String, to head: inout FileHead) {
        unsafe Array(text.utf8).withUnsafeBytes { unsafe head.append($0) }
    }

    private func checksum(_ text: String, upTo position: Int64? = nil) -> Int64 {
        var head = FileHead(Array(text.utf8))
        return head.checksum(upTo: position ?? Int64(text.utf8.count))
    }

    @Test func itDoesNotMatterInHowManyPiecesTheBytesCame() {
        var pieces = FileHead()
        for piece in ["{\"a\"", ":1}\n{", "\"a\":2}\n"] { append(piece, to: &pieces) }
        #expect(pieces.checksum(upTo: 16) == checksum("{\"a\":1}\n{\"a\":2}\n"))
    }

    @Test func noMoreIsKeptThanCounts() {
        var head = FileHead(Array(repeating: 7, count: 10_000))
        #expect(head.bytes.count == FileHead.bytesMax)
        append("more", to: &head)
        #expect(head.bytes.count == FileHead.bytesMax)
        var grown = FileHead(Array(repeating: 7, count: FileHead.bytesMax - 2))
        append("\u{7}\u{7}\u{7}\u{7}", to: &grown)
        #expect(grown.bytes == head.bytes)
        #expect(grown.checksum(upTo: 1 << 40) == head.checksum(upTo: Int64(FileHead.bytesMax)))
    }

    @Test func onlyWhatWasReadCounts() {
        #expect(checksum("one\ntwo\n", upTo: 4) == checksum("one\nthree\n", upTo: 4))
        #expect(checksum("one\ntwo\n") != checksum("one\nthree\n"))
    }

    @Test func theUpperHalfStandsForTheFirstLine() {
        let (short, long) = (checksum("one\ntwo\n"), checksum("one\ntwo\nthree\n"))
        #expect(short != long)
        #expect(FileHead.firstLine(of: short) == FileHead.firstLine(of: long))
        #expect(FileHead.firstLine(of: short) != FileHead.firstLine(of: checksum("two\ntwo\n")))
        // Of a checksum that is negative as a signed number too.
        #expect(FileHead.firstLine(of: -1) == .max)
    }

    @Test func whatLiesBehindThePositionOfARewindIsForgotten() {
        var head = FileHead(Array("one\ntwo\n".utf8))
        head.cut(to: 4)
        append("2nd\n", to: &head)
        #expect(head.checksum(upTo: 8) == checksum("one\n2nd\n"))
        head.cut(to: 100)
        #expect(head.bytes.count == 8)
    }

    /// Remembered once it can no longer change, which a cut undoes.
    @Test func aWholeHeadThatIsCutIsAnotherOne() {
        var head = FileHead(Array(repeating: 7, count: FileHead.bytesMax))
        let whole = head.checksum(upTo: 1 << 20)
        head.cut(to: 4_000)
        unsafe Array(repeating: UInt8(8), count: 96).withUnsafeBytes { unsafe head.append($0) }
        #expect(head.checksum(upTo: 1 << 20) != whole)
    }
}
