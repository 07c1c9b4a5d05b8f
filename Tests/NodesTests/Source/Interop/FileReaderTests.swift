import Foundation
import Testing
import ZlibTesting

@testable import Nodes

@Suite struct FileReaderTests {
    private let lines = "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n"

    private func write(_ bytes: [UInt8], _ stand: FileStand, _ name: String = "a") throws -> String {
        try Data(bytes).write(to: URL(fileURLWithPath: stand.path(name)))
        return stand.path(name)
    }

    /// Reads to the end, at most so many bytes at a time.
    private func rest(of reader: FileReader, atMost size: Int = 5) throws -> String {
        var (buffer, all) = ([UInt8](repeating: 0, count: size), [UInt8]())
        while true {
            let count = try unsafe buffer.withUnsafeMutableBytes {
                try unsafe reader.read(into: $0, timeout: .seconds(10))
            }
            guard let count else { continue }
            if count == 0 { return String(decoding: all, as: UTF8.self) }
            all += buffer[..<count]
        }
    }

    @Test(arguments: [false, true]) func positionsAreThoseOfTheUnpackedBytes(isPacked: Bool) throws {
        let stand = try FileStand()
        let reader = try FileReader(path: write(isPacked ? Gzip.member(lines) : Array(lines.utf8), stand))
        #expect(!reader.isStream)
        #expect(reader.canGrow)
        #expect(reader.size == (isPacked ? nil : Int64(lines.utf8.count)))
        #expect(try rest(of: reader) == lines)
        #expect(reader.position == Int64(lines.utf8.count))
        #expect(try reader.seek(to: 8), "back")
        #expect(try rest(of: reader) == String(lines.dropFirst(8)))
        #expect(try reader.seek(to: Int64(lines.utf8.count)))
        #expect(try rest(of: reader) == "")
        #expect(try !reader.seek(to: 1_000), "it ends before")
        #expect(try String(decoding: reader.bytes(at: 8, count: 7), as: UTF8.self) == "{\"n\":2}")
        #expect(try reader.bytes(at: 20, count: 100).count == lines.utf8.count - 20)
        #expect(try reader.bytes(at: 1_000, count: 1).isEmpty)
    }

    @Test func aPackedFileThatRestsIsUnpackedAnew() throws {
        let stand = try FileStand()
        let reader = try FileReader(path: write(Gzip.member(lines), stand))
        _ = try reader.bytes(at: 0, count: 10)
        reader.rest()
        #expect(reader.position == 0)
        #expect(try rest(of: reader) == lines)
    }

    /// What is appended with `gzip >> file`.
    @Test func aPackedFileGrowsByMembers() throws {
        let stand = try FileStand()
        let path = try write(Gzip.member("a\n"), stand)
        let reader = try FileReader(path: path)
        #expect(try rest(of: reader) == "a\n")
        _ = try write(Gzip.member("a\n") + Gzip.member("b\n"), stand)
        #expect(try reader.seek(to: 0))
        #expect(try rest(of: reader) == "a\nb\n")
    }

    @Test(arguments: [false, true]) func aStreamIsKnownByItsFirstBytes(isPacked: Bool) throws {
        let stand = try FileStand()
        let path = try stand.pipe("p")
        let bytes = isPacked ? Gzip.member(lines) : Array(lines.utf8)
        let reader = try FileReader(path: path)
        #expect(reader.isStream)
        #expect(reader.size == nil)
        let writer = stand.feed(path, bytes, cutAt: [1, 5])
        #expect(try rest(of: reader) == lines)
        writer.join()
    }

    @Test func whatIsWrongInAPackedFileIsSaidWithItsPlace() throws {
        let stand = try FileStand()
        let member = Gzip.member(lines)
        func message(_ bytes: [UInt8]) throws -> String {
            let reader = try FileReader(path: write(bytes, stand))
            return #expect(throws: SourceError.self) { try rest(of: reader) }?.description ?? ""
        }
        #expect(try message(member + [9]).contains("from byte \(member.count) on, are neither gzip nor zeros"))
        #expect(try message(member.dropLast(3)).contains("it ends at byte \(member.count - 3), in the middle"))
        var damaged = member
        damaged[damaged.count - 8] ^= 1
        #expect(try message(damaged).contains("its gzip data is damaged"))
    }

    @Test func whatCannotBeOpenedIsNamed() throws {
        let stand = try FileStand()
        let missing = #expect(throws: SourceError.self) { try FileReader(path: stand.path("missing")) }
        #expect(missing?.description.contains("cannot be opened: No such file or directory") == true)
        let folder = #expect(throws: SourceError.self) { try FileReader(path: stand.folder.path) }
        #expect(folder?.description.contains("it is a directory; give its files") == true)
    }

    @Test func aFileIsTheSameUnderAnyName() throws {
        let stand = try FileStand()
        let path = try write([1], stand)
        try FileManager.default.linkItem(atPath: path, toPath: stand.path("b"))
        #expect(try FileInput(path: path).number == FileInput(path: stand.path("b")).number)
        #expect(try FileInput(path: path).number != FileInput(path: write([1], stand, "c")).number)
        #expect(FileNumber(path: stand.path("missing")) == nil)
    }
}
