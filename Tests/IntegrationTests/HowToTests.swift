import Foundation
import Postgres
import Testing

/// The pages of `docs/howto`: every command in them is run, every topology over its sample, every query on its tables.
@Suite struct HowToTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../..").standardizedFileURL
    private static let pages = ["access-logs", "ads", "game-kpis", "operating", "questions", "sensors"]

    /// A page, in parts.
    private struct Page {
        var text: String
        var commands: [String]
        var queries: [String]

        init(_ name: String) throws {
            text = try String(contentsOf: root.appending(path: "docs/howto/\(name).md"), encoding: .utf8)
            commands = Self.blocks(of: "sh", in: text).flatMap { $0.split(separator: "\n").map(String.init) }
            queries = Self.blocks(of: "sql", in: text)
        }

        private static func blocks(of language: String, in text: String) -> [String] {
            text.components(separatedBy: "\n```").enumerated()
                .filter { $0.offset % 2 == 1 && $0.element.hasPrefix(language + "\n") }
                .map { String($0.element.dropFirst(language.count + 1)) }
        }
    }

    @Test func everyPageIsTestedAndLinked() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: Self.root.path + "/docs/howto")
        #expect(files.sorted() == Self.pages.map { $0 + ".md" })
        let examples = try String(contentsOf: Self.root.appending(path: "docs/examples.md"), encoding: .utf8)
        for page in Self.pages { #expect(examples.contains("](howto/\(page).md)"), "\(page)") }
    }

    @Test(arguments: pages)
    func whatAPageTellsToDoWorks(page name: String) async throws {
        try await onOwnThread {
            let page = try Page(name)
            #expect(page.commands.count { $0.hasPrefix("millrace try ") } == 1)
            let database = try TestDatabase("howto_\(name.replacing("-", with: "_"))")
            var queries = page.queries
            // What ran last reads a sample: where the topology's own file would read a topic, its table is another's.
            var (folder, ran) = (try TopologyFolder(), "")
            for command in page.commands where !command.hasPrefix("export ") {
                let words = command.split(separator: " ").map(String.init)
                try #require(words.count > 2 && words[0] == "millrace", "\(command)")
                let arguments = words.dropFirst().map { word in
                    word.replacing("topologies/", with: "\(Self.root.path)/topologies/")
                }
                switch words[1] {
                case "try":
                    let tried = try Complaint.of(Array(arguments))
                    #expect(tried.exit == .code(0) && !tried.output.contains("dead letters"), "\(tried.text)")
                case "run":
                    queries = try Self.prepare(queries, in: database)
                    (folder, ran) = try Self.run(words[2], in: database)
                case "dead-letters":
                    let own = arguments.map { $0.hasSuffix(".yaml") ? ran : $0 }
                    let replayed = try withExtendedLifetime(folder) {
                        try Complaint.of(Array(own), environment: ["DATABASE_URL": database.url])
                    }
                    #expect(
                        replayed.exit == .code(0) && replayed.output.contains("no such dead letters"),
                        "\(replayed.text)")
                default: Issue.record("\(command): nobody runs it")
                }
            }
            for query in queries {
                let answer = try database.query(query)
                #expect(answer.rowCount > 0 || query.hasPrefix("CREATE "), "\(name): \(query)")
            }
        }
    }

    /// Makes the tables that a page makes, and fills that of the campaigns.
    /// - Returns: the other queries.
    private static func prepare(_ queries: [String], in database: TestDatabase) throws -> [String] {
        let tables = queries.filter { $0.hasPrefix("CREATE TABLE campaigns ") }
        for table in tables { _ = try database.query(table) }
        if !tables.isEmpty {
            let rows = try String(contentsOf: root.appending(path: "topologies/samples/campaigns.csv"), encoding: .utf8)
            for row in rows.split(separator: "\n").dropFirst() {
                let cells = row.split(separator: ",", omittingEmptySubsequences: false)
                    .map { $0.isEmpty ? "NULL" : "'\($0)'" }
                _ = try database.query("INSERT INTO campaigns VALUES (\(cells.joined(separator: ", ")))")
            }
        }
        return queries.filter { !tables.contains($0) }
    }

    /// Runs a topology over its sample instead of Kafka's topic, into the database.
    /// - Returns: where its file is.
    private static func run(
        _ path: String, in database: TestDatabase
    ) throws -> (folder: TopologyFolder, file: String) {
        let text = try String(contentsOf: root.appending(path: path), encoding: .utf8)
        let name = try #require(path.split(separator: "/").last?.split(separator: ".").first)
        let sample = "\(root.path)/topologies/samples/\(name).ndjson"
        let own = text.replacing(/kafka: \{[^}]*\}[^}]*\}/, with: "file: \"\(sample)\"")
        try #require(own.contains(sample), "the source of \(path) is exchanged")
        let folder = try TopologyFolder()
        let file = try folder.file(own)
        let ran = try Complaint.of(
            ["run", file, "--progress", "none", "--fail-on-dead"],
            environment: ["DATABASE_URL": database.url, "USER_KEY": "a key of the test"])
        #expect(ran.exit == .code(0), "\(ran.text)")
        return (folder, file)
    }
}
