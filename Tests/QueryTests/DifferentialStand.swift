import Dataflow
import Declaration
import Foundation
import LocalServices
import Logging
import Nodes
import Platform
import Postgres
import TopologyFile

/// A database, and topologies that run in this process and write into it.
struct DifferentialStand {
    /// What became of a topology.
    struct Outcome: Sendable {
        var seed: UInt64
        var topology: String
        var rows = 0
        /// The query of the last table.
        var query = ""
        /// What was wrong, nil for nothing.
        var problem: String?
    }

    private static let server = Result<PrivatePostgres, LocalServiceError> { () throws(LocalServiceError) in
        try PrivatePostgres.start()
    }

    private let url: String
    private let folder: URL

    init(_ database: String) throws {
        let server = try Self.server.get()
        try server.createDatabase(database)
        url = server.url(database: database)
        folder = FileManager.default.temporaryDirectory.appending(path: "differential-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        var connection = try connect()
        try connection.execute(
            """
            CREATE TABLE raw (topic text, partition integer, "offset" bigint, "timestamp" timestamptz, key text,
                headers json, value json)
            """)
    }

    func connect() throws -> Connection {
        var connection = try Connection.connect(ConnectionSettings(url: url), deadline: .now + .seconds(20))
        try connection.execute("SET timezone TO 'UTC'; SET jit TO off")
        return connection
    }

    /// Makes a file, and says where it is.
    func file(named name: String, _ content: String) throws -> String {
        let path = folder.appending(path: name)
        try Data(content.utf8).write(to: path)
        return path.path()
    }

    /// Runs the topology of a seed and compares its tables with the queries.
    /// - Parameter meddle: may change a table before it is compared.
    func run(
        seed: UInt64, meddle: (inout Connection, String) throws -> Void = { _, _ in }
    ) -> Outcome {
        let topology = RandomTopology(seed: seed, folder: folder.path())
        var outcome = Outcome(seed: seed, topology: topology.text)
        do {
            for file in topology.files {
                _ = try self.file(named: file.name, file.content)
            }
            try compare(topology.text, topology.sources, &outcome, meddle)
        } catch {
            outcome.problem = "\(error)"
        }
        return outcome
    }

    /// Runs a topology whose files are there, and compares its tables with the queries.
    func compare(
        _ text: String, _ sources: [RandomTopology.Source], _ outcome: inout Outcome,
        _ meddle: (inout Connection, String) throws -> Void = { _, _ in }
    ) throws {
        let compiled = try compile(text)
        try runEngine(compiled)
        var connection = try connect()
        try load(sources, into: &connection)
        for query in compiled.tableQueries() {
            // All texts that are taken for JSON are some.
            let gaps = query.gaps.filter { !$0.contains("a text that is no JSON stops the query") }
            guard gaps.isEmpty else {
                outcome.problem = "gaps: \(gaps)"
                return
            }
            outcome.query = query.text
            let table = SQLWord.name(query.table)
            try meddle(&connection, table)
            let comparison = TableComparison(query)
            outcome.rows += Int(try connection.query("SELECT count(*) FROM \(table)").int64(0, 0) ?? 0)
            if let difference = try comparison.difference(&connection) {
                outcome.problem = "table \(query.table): \(difference)"
                return
            }
            try connection.execute("DROP TABLE \(table)")
        }
    }

    private struct Broken: Error, CustomStringConvertible { var description: String }

    func compile(_ text: String) throws -> CompiledTopology {
        let reader = TopologyReader(
            specs: NodeCatalog.specs, settings: NodeCatalog.settings, environment: ["DATABASE_URL": url])
        let (declaration, diagnostics) = reader.survey(file: "t.yaml", bytes: text.utf8)
        guard let declaration, !diagnostics.hasErrors else { throw Broken(description: diagnostics.report) }
        let (topology, problems) = TopologyCompiler.compile(declaration, types: NodeCatalog.types)
        guard !problems.hasErrors else { throw Broken(description: problems.report) }
        return topology
    }

    func runEngine(_ topology: CompiledTopology) throws {
        let logger = Logger(label: "differential") { _ in SwiftLogNoOpLogHandler() }
        let plan = try topology.build(
            RunOverrides(), services: RunServices(), observers: [], logger: logger, giveBackFreeMemory: {})
        let pipeline = Pipeline(plan, logger: logger)
        try (plan.target as? PostgresTarget)?.prepare(pipeline.stoppableContext)
        try pipeline.run()
    }

    /// Puts the documents that are JSON where the queries look for them.
    private func load(_ sources: [RandomTopology.Source], into connection: inout Connection) throws {
        try connection.execute("TRUNCATE raw")
        for source in sources {
            var (offsets, documents) = (ArrayBuilder(.int8), ArrayBuilder(.text))
            var offset: Int64 = 0
            for event in source.events {
                if event.isJSON {
                    offsets.append(offset)
                    documents.append(event.text)
                }
                offset += Int64(event.text.utf8.count) + 1
            }
            try connection.query(
                """
                INSERT INTO raw (topic, partition, "offset", value)
                SELECT 'file:\(source.node)', 0, o, d::json FROM unnest($1, $2) AS r(o, d)
                """, [.array(offsets), .array(documents)])
        }
    }
}
