import Foundation
import Testing

@testable import Millrace

@Suite struct LineSinkTests {
    /// A pipe that takes as little as a pipe can, and never blocks its reader.
    private static func withPipe(_ body: (_ reader: Int32, _ writer: Int32) throws -> Void) throws {
        var ends: [Int32] = [-1, -1]
        try #require(unsafe pipe(&ends) == 0)
        defer { ends.forEach { close($0) } }
        _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
        try body(ends[0], ends[1])
    }

    private static func read(_ descriptor: Int32) -> String {
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = unsafe Foundation.read(descriptor, &buffer, buffer.count)
            guard count > 0 else { return String(decoding: text, as: UTF8.self) }
            text += buffer.prefix(count)
        }
    }

    @Test func linesOfAPipeThatNobodyReadsAreDroppedAndCounted() throws {
        try Self.withPipe { reader, writer in
            var sink = LineSink(descriptor: writer)
            let line = String(repeating: "x", count: 1_000)
            // More than any pipe holds; a writer that waits for its reader would never come back.
            for _ in 0..<100 { sink.write(line) }
            let taken = Self.read(reader).split(separator: "\n").count
            #expect((1..<100).contains(taken))
            sink.write("after")
            let rest = Self.read(reader)
            #expect(rest == "millrace: \(100 - taken) line(s) of this log could not be written\nafter\n")
        }
    }

    @Test func aFullDiskIsNoEnd() throws {
        let full = unsafe open("/dev/full", O_WRONLY)
        try #require(full >= 0)
        defer { close(full) }
        var sink = LineSink(descriptor: full)
        for number in 0..<3 { sink.write("line \(number)") }
    }

    @Test func progressLinesAreReplacedAndStayBelowTheLog() throws {
        try Self.withPipe { reader, writer in
            var sink = LineSink(descriptor: writer)
            sink.writeProgress(["a: 1", "b: 1"])
            #expect(Self.read(reader) == "a: 1\nb: 1")
            sink.write("log")
            #expect(Self.read(reader) == "\u{1B}[1A\r\u{1B}[Jlog\n")
            sink.writeProgress(["a: 2"])
            #expect(Self.read(reader) == "a: 2")
            sink.writeProgress([])
            #expect(Self.read(reader) == "\r\u{1B}[J")
        }
    }
}
