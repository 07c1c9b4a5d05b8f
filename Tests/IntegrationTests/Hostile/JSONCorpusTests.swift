import Foundation
import Testing

/// The files of JSONTestSuite, beside the package; skipped loudly where they are missing.
enum JSONCorpus {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("shared/data/json-test-suite/test_parsing")

    static let isPresent: Bool = {
        if FileManager.default.fileExists(atPath: folder.path) { return true }
        skipped("JSONTestSuite is missing at \(folder.path)")
        return false
    }()

    /// All files in the order of their names.
    static func files() throws -> [(name: String, bytes: [UInt8])] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().map { name in
            (name, [UInt8](try Data(contentsOf: folder.appendingPathComponent(name))))
        }
    }
}

/// JSONTestSuite through Kafka, the engine and Postgres.
@Suite(.enabled(if: JSONCorpus.isPresent)) struct JSONCorpusTests {
    // A field that no file has: whatever is JSON is a record.
    static let nodes = """
          records:
            from: events
            parse_json: { fields: { not_in_any_file: integer } }
          all:
            from: records
            summarize: { metrics: { events: count() } }
          table:
            from: all
            postgres: { url: "${DATABASE_URL}", table: everything }
        """

    @Test func everyFileIsCountedOnceAndNoneStopsAnything() async throws {
        try await onOwnThread {
            let files = try JSONCorpus.files()
            try #require(files.count == 318)
            let stream = try HostileStream("json_corpus")
            try stream.produce(files.map { $0.bytes })
            let errors = try stream.run(Self.nodes, messages: files.count)

            let letters = try stream.letters()
            let dead = Set(letters.map { Int($0.offset) })
            #expect(dead.count == letters.count, "a message has two dead letters")
            // A valid document that is no object is no record.
            let isObject = files.map { $0.bytes.first { !" \t\r\n".utf8.contains($0) } == UInt8(ascii: "{") }
            let refusedGood = files.indices.filter {
                files[$0].name.hasPrefix("y_") && isObject[$0] && dead.contains($0)
            }
            let acceptedOther = files.indices.filter { !isObject[$0] && !dead.contains($0) }
            #expect(acceptedOther.isEmpty, "no object, and yet a record: \(acceptedOther.map { files[$0].name })")
            let acceptedBad = files.indices.filter { files[$0].name.hasPrefix("n_") && !dead.contains($0) }
            #expect(refusedGood.isEmpty, "dead: \(refusedGood.map { files[$0].name })")
            #expect(acceptedBad.isEmpty, "accepted: \(acceptedBad.map { files[$0].name })")
            #expect(files.count { $0.name.hasPrefix("y_") } == 95)
            #expect(files.count { $0.name.hasPrefix("n_") } == 188)
            for letter in letters {
                let file = files[Int(letter.offset)]
                #expect(letter.topic == stream.topic && letter.partition == 0 && letter.line == 0)
                #expect(!letter.reason.isEmpty, "\(file.name)")
                #expect(letter.payload == Array(file.bytes.prefix(4_096)), "\(file.name)")
                #expect(letter.time != nil, "\(file.name)")
            }
            let applied = try stream.database.number("SELECT events FROM everything")
            let ledger = try stream.ledger()
            #expect(ledger.read == 318 && ledger.applied == applied && ledger.filtered == 0)
            #expect(ledger.dead == Int64(letters.count) && applied + ledger.dead == 318)
            #expect(try Ledger(of: stream.database).problems(messages: 318).isEmpty)
            #expect(!errors.contains("ERROR"), "\(errors)")
        }
    }
}
