import JSON
import Platform
import Testing

@Suite struct LineSplittingTests {
    private func lines(_ text: String, isFinal: Bool = true, room: Int = 1000) -> (lines: [String], consumed: Int) {
        let bytes = Array(text.utf8)
        var ranges = [DocumentRange](repeating: DocumentRange(offset: 0, length: 0), count: room)
        let found = unsafe bytes.withUnsafeBufferPointer { bytes in
            unsafe ranges.withUnsafeMutableBufferPointer { unsafe splitLines(bytes, isFinal: isFinal, into: $0) }
        }
        let texts = ranges.prefix(found.count).map { range in
            String(decoding: bytes[Int(range.offset)..<Int(range.offset + range.length)], as: UTF8.self)
        }
        return (texts, found.consumed)
    }

    @Test func linesComeWithoutTheirEnds() {
        #expect(lines("a\nb\r\n\n  \r\nc d \n") == (["a", "b", "c d"], 15))
        #expect(lines("a\nb") == (["a", "b"], 3))
        #expect(lines("a\nb", isFinal: false) == (["a"], 2))
        #expect(lines("") == ([], 0))
        #expect(lines("\n\n", isFinal: false) == ([], 2))
        #expect(lines("abc", isFinal: false) == ([], 0))
        #expect(lines("a\nb\nc\n", room: 2) == (["a", "b"], 4))
    }

    @Test func anyTextIsCutAtItsNewlines() {
        for seed in 0..<200 as Range<UInt64> {
            var random = SeededRandom(seed: seed)
            let text = (0..<random.below(40)).map { _ in
                String(repeating: "x", count: random.below(random.chance(20) ? 200 : 5))
                    + (random.chance(30) ? "\r\n" : "\n")
            }.joined()
            let expected = text.split { $0.isNewline }.map(String.init)
            #expect(lines(text, isFinal: false) == (expected, text.utf8.count), "seed \(seed)")
        }
    }
}
