import Dataflow
import JSON
import Testing

@testable import Nodes

@Suite struct DocumentFinderTests {
    private static func find(
        _ messages: [String], _ framing: Framing, hasMark: Bool = false
    ) -> (documents: [String], counts: [Int]) {
        let batch = Batch(payloadBytes: 1 << 16, layout: BatchLayout())
        batch.framing = framing
        batch.beginsWithMark = hasMark
        for (offset, message) in messages.enumerated() {
            unsafe Array(message.utf8).withUnsafeBytes {
                unsafe batch.append($0, offset: Int64(offset), timestamp: nil)
            }
        }
        var finder = DocumentFinder()
        // What a batch before has left makes no difference.
        finder.find(in: batch)
        finder.find(in: batch)
        let documents = finder.documents.map { place in
            unsafe String(
                decoding: UnsafeRawBufferPointer(start: batch.base + Int(place.offset), count: Int(place.length)),
                as: UTF8.self)
        }
        return (documents, finder.counts)
    }

    @Test func aMessageIsADocument() {
        let found = Self.find(["{}", "", "a\nb"], .document)
        #expect(found.documents == ["{}", "", "a\nb"] && found.counts.isEmpty)
    }

    @Test(arguments: [Framing.lines, .chunk]) func linesAreDocumentsAndBlankOnesAreNone(framing: Framing) {
        let found = Self.find(["a\nb\r\n\n  \n c ", "", "\n", "d"], framing)
        #expect(found.documents == ["a", "b", "c", "d"] && found.counts == [3, 0, 0, 1])
    }

    /// It is a part of its line, so that the line begins where the file does, and a blank one where nothing follows.
    @Test func aMarkBelongsToItsLine() {
        let found = Self.find(["\u{feff}a\nb"], .chunk, hasMark: true)
        #expect(found.documents == ["\u{feff}a", "b"] && found.counts == [2])
        let blank = Self.find(["\u{feff} \nb"], .chunk, hasMark: true)
        #expect(blank.documents == ["b"] && blank.counts == [1])
        #expect(Self.find(["\u{feff}\nb"], .chunk).documents == ["\u{feff}", "b"])
    }

    @Test func moreLinesThanThereIsRoomForAtOnce() {
        let lines = (0..<5_000).map(String.init)
        let found = Self.find([lines.joined(separator: "\n"), lines[..<7].joined(separator: "\n")], .lines)
        #expect(found.documents == lines + lines[..<7] && found.counts == [5_000, 7])
    }
}
