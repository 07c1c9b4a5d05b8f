import Testing

@testable import Nodes

@Suite struct LastLineTests {
    private func hasRecord(_ text: String, isWhole: Bool = false) -> Bool {
        LastLine.hasRecord(FileHead(Array(text.utf8)), isWhole: isWhole)
    }

    @Test func aWholeLineIsARecord() {
        #expect(hasRecord("1\n"))
        #expect(hasRecord("\n"), "what is behind it may be one")
    }

    @Test func aLastLineIsOneWhenNothingCanFollow() {
        #expect(!hasRecord("12"))
        #expect(hasRecord("12", isWhole: true))
        #expect(hasRecord("{\"a\":1}"), "an object says itself where it ends")
        #expect(!hasRecord("{\"a\":1"))
        #expect(hasRecord("{\"a\":1", isWhole: true), "cut short, so a dead letter")
    }

    @Test func blanksAreNone() {
        for isWhole in [false, true] {
            #expect(!hasRecord("", isWhole: isWhole))
            #expect(!hasRecord(" \t\r", isWhole: isWhole))
        }
    }

    @Test func aBeginningThatFillsTheHeadIsReadOn() {
        #expect(hasRecord(String(repeating: "x", count: FileHead.bytesMax)))
    }

    @Test func contentIsAnythingButWhiteSpace() {
        #expect(!LastLine.hasContent([0x20, 0x09, 0x0a, 0x0d][...]))
        #expect(LastLine.hasContent([0x20, 0x00][...]))
        #expect(!LastLine.hasContent([0xef, 0xbb, 0xbf, 0x0a][...]) && LastLine.hasContent([0xef, 0xbb, 0x0a][...]))
    }
}
