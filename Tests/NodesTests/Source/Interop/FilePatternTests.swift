import Foundation
import Testing

@testable import Nodes

@Suite struct FilePatternTests {
    @Test func aPatternIsExpandedInOrder() throws {
        let stand = try FileStand()
        for name in ["b.ndjson", "a.ndjson", "c.txt"] { try stand.write(name, "") }
        let (paths, isPattern) = FilePattern.expand(stand.path("*.ndjson"))
        #expect(paths == [stand.path("a.ndjson"), stand.path("b.ndjson")])
        #expect(isPattern)
        #expect(FilePattern.expand(stand.path("[bc].*")).paths == [stand.path("b.ndjson"), stand.path("c.txt")])
    }

    @Test func aPatternThatNothingMatchesIsEmpty() throws {
        let stand = try FileStand()
        let (paths, isPattern) = FilePattern.expand(stand.path("*.none"))
        #expect(paths.isEmpty)
        #expect(isPattern)
    }

    @Test func aPathIsItsOwnWhetherItExistsOrNot() throws {
        let stand = try FileStand()
        let (paths, isPattern) = FilePattern.expand(stand.path("missing"))
        #expect(paths == [stand.path("missing")])
        #expect(!isPattern)
    }

    /// Before the shell's rules: a file may be called so.
    @Test func aFileWhoseNameLooksLikeAPatternIsMeantItself() throws {
        let stand = try FileStand()
        try stand.write("a[1].ndjson", "")
        try stand.write("a1.ndjson", "")
        let (paths, isPattern) = FilePattern.expand(stand.path("a[1].ndjson"))
        #expect(paths == [stand.path("a[1].ndjson")])
        #expect(!isPattern)
    }

    @Test func thePathFromTheRootHasNoLinks() throws {
        let stand = try FileStand()
        let file = FilePattern.absolute(try stand.write("a", ""))
        try FileManager.default.createSymbolicLink(atPath: stand.path("link"), withDestinationPath: stand.path("a"))
        #expect(FilePattern.absolute(stand.path("link")) == file)
        #expect(FilePattern.absolute("-") == "-")
        #expect(FilePattern.absolute("/missing/file") == "/missing/file")
        #expect(FilePattern.absolute("missing.ndjson") == FileManager.default.currentDirectoryPath + "/missing.ndjson")
    }

    @Test func aDirectoryIsKnown() throws {
        let stand = try FileStand()
        #expect(FilePattern.isDirectory(stand.folder.path))
        #expect(try !FilePattern.isDirectory(stand.write("a", "")))
        #expect(!FilePattern.isDirectory(stand.path("missing")))
    }
}

@Suite struct ByteSearchTests {
    private func first(_ text: String) -> Int? {
        unsafe Array(text.utf8).withUnsafeBytes { unsafe ByteSearch.firstNewline(in: $0) }
    }

    private func last(_ text: String) -> Int? {
        unsafe Array(text.utf8).withUnsafeBytes { unsafe ByteSearch.lastNewline(in: $0) }
    }

    @Test func newlinesAreFound() {
        #expect(first("ab\ncd\ne") == 2)
        #expect(last("ab\ncd\ne") == 5)
        #expect(first("\n") == 0)
        #expect(last("\n") == 0)
    }

    @Test func whereThereIsNoneNoneIsFound() {
        for text in ["", "abc"] {
            #expect(first(text) == nil)
            #expect(last(text) == nil)
        }
        #expect(unsafe ByteSearch.firstNewline(in: UnsafeRawBufferPointer(start: nil, count: 0)) == nil)
    }
}
