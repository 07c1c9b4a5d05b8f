import Dataflow
import Testing

@testable import Nodes

/// Bytes in pieces become the same lines, however they are cut.
@Suite struct LineBufferTests {
    private static func lines(_ text: String, pieces: Int, limit: Int) -> [String] {
        var buffer = LineBuffer(lineBytesMax: limit)
        var found: [String] = []
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: pieces) {
            buffer.bytes += bytes[start..<min(bytes.count, start + pieces)]
            while let line = buffer.next() { found.append(String(decoding: buffer.bytes[line], as: UTF8.self)) }
        }
        if let rest = buffer.rest() { found.append(String(decoding: buffer.bytes[rest], as: UTF8.self)) }
        return found
    }

    @Test(arguments: 1...9) func cutsDoNotMatter(pieces: Int) {
        #expect(Self.lines("one\n\nthree\nfour", pieces: pieces, limit: 100) == ["one", "", "three", "four"])
        #expect(Self.lines("one\n", pieces: pieces, limit: 100) == ["one"])
        // One byte more than the limit stays, so that the line is seen to be too long.
        #expect(
            Self.lines("1234567890\nab\n12345678901234567890", pieces: pieces, limit: 4) == ["12345", "ab", "12345"])
    }

    @Test func placesTellLinesApart() throws {
        func place(_ lines: [String]) -> ProgramPlace {
            var place = ProgramPlace()
            for line in lines { unsafe Array(line.utf8).withUnsafeBytes { unsafe place.pass($0) } }
            return place
        }
        let known = place(["a", "b", "c"])
        #expect(known.next == 3 && known.tail?.offset == 2)
        #expect(place(["a", "b", "c"]).agrees(with: known))
        #expect(!place(["a", "x", "c"]).agrees(with: known))
        #expect(!place(["b", "a", "c"]).agrees(with: known))
        #expect(!place(["a", "b"]).agrees(with: known))
        // As it comes back from the database; set by hand, it knows no line.
        #expect(place(["a", "b", "c"]).agrees(with: ProgramPlace(next: 3, tail: known.tail)))
        #expect(place(["a", "x", "c"]).agrees(with: ProgramPlace(next: 3)))
        func ends(with text: String) -> Bool {
            unsafe Array(text.utf8).withUnsafeBytes { unsafe known.ends(with: $0) }
        }
        #expect(ends(with: "c") && !ends(with: "b"))
    }
}
