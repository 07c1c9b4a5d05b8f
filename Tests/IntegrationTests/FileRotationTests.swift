import Foundation
import Testing

/// Files and pipes into a real Postgres: what was read and refused is read again, and a position follows its content.
@Suite struct FileRotationTests {
    private static func topology(_ path: String) -> String {
        """
        topology: files
        nodes:
          events:
            file: "\(path)"
          records:
            from: events
            parse_json: { fields: { id: text } }
          all:
            from: records
            summarize: { by: [id], metrics: { events: count() } }
          table:
            from: all
            postgres: { url: "${DATABASE_URL}", table: everything }
        """
    }

    private static func lines(_ ids: [String]) -> String { ids.map { #"{"id":"\#($0)"}"# + "\n" }.joined() }

    private static func run(_ folder: TopologyFolder, _ path: String, _ database: TestDatabase) throws -> Complaint {
        try Complaint.of(
            ["run", folder.file(topology(path)), "--progress", "none"], environment: ["DATABASE_URL": database.url])
    }

    private static func fates(_ database: TestDatabase) throws -> [Int64] {
        try [
            database.number("SELECT sum(applied)::bigint FROM millrace.partitions"),
            database.number("SELECT sum(dead)::bigint FROM millrace.partitions"),
        ]
    }

    @Test func aRefusedRowFromAPipeCostsOnlyItself() async throws {
        try await onOwnThread {
            let folder = try TopologyFolder()
            let database = try TestDatabase("refused_pipe")
            _ = try Self.run(folder, folder.file(named: "first", Self.lines(["first"])), database)
            _ = try database.query("ALTER TABLE everything ADD CHECK (id <> 'bad')")
            let pipe = try folder.file(named: "next", "") + ".pipe"
            #expect(unsafe mkfifo(pipe, 0o600) == 0)
            let ids = (0..<110).map { "v\($0)" }
            let text = Self.lines(Array(ids[..<50]) + ["bad"] + Array(ids[50...]))
            Thread.detachNewThread {
                try? FileHandle(forWritingTo: URL(fileURLWithPath: pipe)).write(contentsOf: Data(text.utf8))
            }
            let complaint = try Self.run(folder, pipe, database)
            #expect(complaint.exit == .code(0), "\(complaint.errors)")
            #expect(try Self.fates(database) == [111, 1])
            #expect(try database.number("SELECT sum(events)::bigint FROM everything") == 111)
        }
    }

    @Test func aRotatedAndPackedFileIsCountedOnce() async throws {
        try await onOwnThread {
            let folder = try TopologyFolder()
            let database = try TestDatabase("rotated")
            let path = try folder.file(named: "app.log", Self.lines(["a", "b", "c"]))
            #expect(try Self.run(folder, path + "*", database).exit == .code(0))
            try FileManager.default.moveItem(atPath: path, toPath: path + ".1")
            let gzip = try Process.run(URL(fileURLWithPath: "/usr/bin/env"), arguments: ["gzip", path + ".1"])
            gzip.waitUntilExit()
            _ = try folder.file(named: "app.log", Self.lines(["d"]) + #"{"id":"#)
            let complaint = try Self.run(folder, path + "*", database)
            complaint.expect(.code(0), "goes on where that was left")
            complaint.expect(.code(0), "ends in the middle of a line")
            #expect(try Self.fates(database) == [4, 0])
        }
    }

    /// Positions of the version before have the checksum of the last line only.
    @Test func positionsOfTheVersionBeforeGoOn() async throws {
        try await onOwnThread {
            let folder = try TopologyFolder()
            let database = try TestDatabase("old_positions")
            let path = try folder.file(named: "app.log", Self.lines(["a", "b", "c"]))
            #expect(try Self.run(folder, path, database).exit == .code(0))
            _ = try database.query("UPDATE millrace.partitions SET tail_timestamp = NULL")
            _ = try folder.file(named: "app.log", Self.lines(["a", "b", "c", "d"]))
            #expect(try Self.run(folder, path, database).exit == .code(0))
            #expect(try Self.fates(database) == [4, 0])
        }
    }
}
