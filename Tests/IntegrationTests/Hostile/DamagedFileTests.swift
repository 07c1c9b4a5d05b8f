import Foundation
import LocalServices
import Postgres
import Testing

/// Files that break off or are no gzip after all.
@Suite struct DamagedFileTests {
    private static func topology(_ path: String) -> String {
        """
        topology: files
        nodes:
          events:
            file: { paths: ["\(path)"] }
          records:
            from: events
            parse_json: { fields: { id: integer } }
          all:
            from: records
            summarize: { metrics: { events: count() } }
          table:
            from: all
            postgres: { url: "${DATABASE_URL}", table: everything }
        """
    }

    /// Ten thousand lines through gzip.
    private static func compressed(in folder: TopologyFolder) throws -> Data {
        let plain = try folder.file(
            named: "events.ndjson", (0..<10_000).map { #"{"id": \#($0 &* 2_654_435_761)}"# + "\n" }.joined())
        let gzip = Process()
        gzip.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        gzip.arguments = ["gzip", plain]
        try gzip.run()
        gzip.waitUntilExit()
        return try Data(contentsOf: URL(fileURLWithPath: plain + ".gz"))
    }

    @Test(arguments: ["cut", "flipped"]) func aDamagedGzipFileStopsTheRunAndIsNamed(damage: String) async throws {
        try await onOwnThread {
            let folder = try TopologyFolder()
            var data = try Self.compressed(in: folder)
            if damage == "cut" { data.removeLast(data.count / 3) } else { data[data.count / 2] ^= 0x55 }
            let path = try folder.file(named: "damaged.ndjson.gz", "")
            try data.write(to: URL(fileURLWithPath: path))
            let database = try TestDatabase("damaged_\(damage)")
            let complaint = try Complaint.of(
                ["run", folder.file(Self.topology(path)), "--progress", "none"],
                environment: ["DATABASE_URL": database.url])
            complaint.expect(.code(1), "millrace: ", path, "gzip")
            // What was committed before is whole.
            #expect(try Ledger(of: database).problems(messages: nil).isEmpty)
        }
    }

    @Test func linesOfAFileThatAreNoJSONAreNamedByTheirByte() async throws {
        try await onOwnThread {
            let folder = try TopologyFolder()
            let path = try folder.file(named: "events.ndjson", "{\"id\": 1}\nbad\n\n{\"id\": 2}\n{\"id\": 3")
            let database = try TestDatabase("bad_lines")
            let complaint = try Complaint.of(
                ["run", folder.file(Self.topology(path)), "--progress", "none"],
                environment: ["DATABASE_URL": database.url])
            #expect(complaint.exit == .code(0), "\(complaint.errors)")
            let letters = try database.query(#"SELECT "offset", line FROM millrace.dead_letters ORDER BY 1"#)
            #expect(letters.rowCount == 1)
            #expect(try letters.int64(0, 0) == 10)
            // The last line may still be written: it is left, and said.
            complaint.expect(.code(0), "ends in the middle of a line", "byte=25")
            #expect(try database.number("SELECT events FROM everything") == 2)
        }
    }
}
