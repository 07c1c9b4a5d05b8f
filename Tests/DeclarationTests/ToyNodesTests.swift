import Dataflow
import Declaration
import Logging
import Platform
import Synchronization
import Testing
import TopologyFile

/// Node types that nobody outside of this folder knows: a folder and a line here, and they are declared, checked,
/// documented, built and run like all others.
@Suite struct ToyNodesTests {
    private static let types: [any NodeType.Type] = [Numbers.self, ReadNumbers.self, Tally.self, Collect.self]
    private static var specs: [NodeSpec] { types.map { $0.spec } }
    /// The settings that the compiler reads, as the program has them.
    private static let settings = [
        FieldSpec("memory", .bytes(0...(1 << 40)), "Memory.", default: "64MiB"),
        FieldSpec("commit_interval", .duration(.milliseconds(1)...Limits.commitIntervalMax), "Time.", default: "250ms"),
        FieldSpec("workers", .integer(1...256), "Threads."),
        FieldSpec("batch_bytes", .bytes(4_096...(16 << 20)), "Payload.", default: "64KiB"),
        FieldSpec("batch_messages", .integer(1...65_536), "Messages.", default: "1000"),
    ]

    private static func compile(_ nodes: String, settings: String = "") -> (CompiledTopology?, String) {
        let text = "topology: toys\n\(settings)nodes:\n" + nodes
        let reader = TopologyReader(specs: specs, settings: Self.settings, environment: [:])
        var (declaration, diagnostics) = reader.survey(file: "t.yaml", bytes: Array(text.utf8))
        guard let declaration else { return (nil, "\(diagnostics)") }
        let (topology, problems) = TopologyCompiler.compile(declaration, types: types)
        diagnostics.append(contentsOf: problems)
        return (diagnostics.hasErrors ? nil : topology, "\(diagnostics)")
    }

    private static func build(_ topology: CompiledTopology, _ collection: Collect.Collection) throws -> PipelinePlan {
        var services = RunServices()
        services[Collect.Collection.self] = collection
        return try topology.build(
            RunOverrides(), services: services, observers: [],
            logger: Logger(label: "toys") { _ in SwiftLogNoOpLogHandler() }, giveBackFreeMemory: {})
    }

    private static let chain = """
          n: { numbers: 1000 }
          r: { from: n, read_numbers: {} }
          t: { from: r, tally: n }
          c: { from: t, collect: {} }

        """

    @Test func aToyTopologyRuns() async throws {
        let (topology, words) = Self.compile(Self.chain)
        let collection = Collect.Collection()
        let plan = try Self.build(try #require(topology, "\(words)"), collection)
        try await onThread(named: "toys") {
            try Pipeline(plan, logger: Logger(label: "toys") { _ in SwiftLogNoOpLogHandler() }).run()
        }
        let found = try #require(collection.sums.withLock { $0["c.n"] })
        #expect(found.sum == 500_500)
        // What a node needs of the one that fills the columns is there, although neither knows the other.
        #expect(found.hashes == 7 * 500_500)
        #expect(
            collection.meaning.withLock { $0["c"] } == [
                DefinitionLine("field n", "eight bytes"), DefinitionLine("counted", "one by one"),
            ])
    }

    @Test func theirMemoryIsInTheAccount() throws {
        let (topology, words) = Self.compile(Self.chain)
        let plan = try Self.build(try #require(topology, "\(words)"), Collect.Collection())
        #expect(plan.memory.held(by: .queues) > 1 << 20)
        let (none, shortage) = Self.compile(Self.chain, settings: "memory: 24MiB\n")
        #expect(none == nil)
        #expect(shortage.contains("for the abacus"), "\(shortage)")
        #expect(shortage.contains("lower its beads, batch_bytes or workers"), "\(shortage)")
    }

    @Test func theyAreOnTheReferencePage() {
        let page = NodeReference(specs: Self.specs, settings: Self.settings).markdown
        for spec in Self.specs {
            #expect(page.contains("### `\(spec.name)`\n\n\(spec.summary)"), "\(spec.name)")
            #expect(page.contains(spec.example), "\(spec.name)")
        }
    }

    @Test(arguments: [
        ("  n: { numbers: 0 }\n", "out-of-range"), ("  n: { numbrs: 1 }\n", "did you mean 'numbers'?"),
        ("  n: { numbers: 1 }\n  t: { from: n, tally: n }\n", "put a read_numbers between it and the source"),
        ("  n: { numbers: 1 }\n  m: { numbers: 2 }\n", "t.yaml:4:3: error[numbers-twice]"),
        (
            "  n: { numbers: 1 }\n  r: { from: n, read_numbers: {} }\n  s: { from: r, read_numbers: {} }\n",
            "misplaced-node"
        ),
        ("  n: { numbers: 1 }\n  r: { from: n, read_numbers: {} }\n  c: { from: r, collect: {} }\n", "misplaced-node"),
        ("  n: { numbers: 1 }\n  r: { from: n, read_numbers: {} }\n  t: { from: r, tally: m }\n", "unknown-field"),
        (
            "  n: { numbers: 1 }\n  r: { from: n, read_numbers: {} }\n  s: { from: n, read_numbers: {} }\n",
            "second-parser"
        ),
    ])
    func theirMistakesAreSaidLikeAllOthers(nodes: String, words: String) {
        let (topology, found) = Self.compile(nodes)
        #expect(topology == nil)
        #expect(found.contains(words), "\(found)")
    }

    /// What a node that cannot be built hands on is known all the same: those behind it are checked, once.
    @Test func oneMistakeIsSaidOnce() {
        let (_, found) = Self.compile(
            "  n: { numbers: 1 }\n  r: { from: n, read_numbers: {} }\n  t: { from: r, tally: m }\n  c: { from: t, collect: {} }\n"
        )
        #expect(found.split(separator: "\n").count == 1, "\(found)")
    }
}
