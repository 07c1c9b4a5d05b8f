import ArgumentParser
import Catalog
import Declaration
import Foundation

/// `millrace deploy`: a file becomes what runs.
struct Deploy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make topology files what is to run, on every process that serves the database.",
        discussion: """
            Each file becomes the next version of its topology. Processes stop the version before in order and go on with \
            the new one where it stopped. Deploying the same file again changes nothing. Exits with 0 when all have taken \
            it up, with 1 when a file is not valid or a process says why it cannot run it.

            What runs is not stopped for a version that its tables would refuse: that is tried first, as millrace plan does, \
            where this environment has the variables that the file names.
            """)

    @Argument(help: ArgumentHelp("The topology files; - is standard input.", valueName: "file"))
    var files: [String]

    @Option(help: "What there is to say about this version.")
    var note = ""

    @Flag(help: "Accept tables that lack what was read before: they count from here, at this version's first start.")
    var fromNow = false

    @Flag(help: "Deploy a version that the tables would refuse all the same.")
    var force = false

    @Option(help: ArgumentHelp("How long to wait until it runs.", valueName: "duration"))
    var wait = TimeLength(argument: "30s")!

    @OptionGroup var catalog: CatalogOptions

    /// How long a process that serves the database may take to appear, when none is there.
    private static let grace = Duration.seconds(3)

    private struct Answer: Encodable, Sendable {
        var topology: String
        var version: Int
        var outcome: String
        var state = TopologyStatus.State.unserved
        var reason = ""
    }

    func run() async throws {
        let (loader, note, fromNow) = (TopologyLoader(needsEnds: false), note, fromNow)
        var topologies: [(name: String, file: String)] = []
        var hasErrors = false
        for file in files {
            let text = try Self.text(of: file)
            let (topology, diagnostics) = loader.load(text: text, from: file)
            for diagnostic in diagnostics.all { StandardError.write(diagnostic.report) }
            if let topology { topologies.append((topology.name, text)) } else { hasErrors = true }
        }
        if hasErrors { throw ExitCode(1) }
        let (patience, grace) = (wait.duration, Self.grace)
        let (isForced, acceptsGaps) = (force, fromNow)
        let (deployed, person) = (topologies, CatalogOptions.person)
        let answers = try await catalog.withCatalog { catalog in
            var answers: [Answer] = []
            for (name, file) in deployed where !isForced {
                try Self.tryOut(name, file, acceptsGaps: acceptsGaps, &catalog)
            }
            for (name, file) in deployed {
                switch try catalog.deploy(name, file: file, note: note, acceptsGaps: fromNow, by: person) {
                case .unchanged(let version):
                    answers.append(Answer(topology: name, version: version, outcome: "unchanged"))
                case .deployed(let version, _):
                    answers.append(Answer(topology: name, version: version, outcome: "deployed"))
                }
            }
            let names = answers.map(\.topology)
            return try Settling.wait(for: names, &catalog, patience, grace: grace).enumerated().map { index, status in
                var answer = answers[index]
                (answer.state, answer.reason) = (status.state, status.reason)
                return answer
            }
        }
        if catalog.json { JSONAnswer.print(answers) } else { answers.forEach { Swift.print(Self.line($0)) } }
        if answers.contains(where: { $0.state.isRefusal }) { throw ExitCode(1) }
    }

    /// Makes sure that a version which is to take the place of one that runs would run itself.
    /// - Parameters:
    ///   - earlier: which version the file is of; nil for a file that whoever deploys it has.
    ///   - acceptsGaps: whether tables may lack something of what was read before.
    /// - Throws: the plan and the way on, when the tables refuse it.
    static func tryOut(
        _ name: String, _ file: String, earlier: Int? = nil, acceptsGaps: Bool = false, _ catalog: inout Catalog
    ) throws {
        let base = try catalog.base(of: name)
        guard base.version > 0, try catalog.version(base.version, of: name).file != file,
            // Elsewhere there may be variables that are not here: then the processes find out.
            let topology = TopologyLoader(rebuild: Rebuild(name: name)).load(text: file, from: name).topology
        else { return }
        let plan = ChangePlan(
            name, file: file, base: base, isDeployed: false,
            try Rehearsing.run(topology, logger: PlanCommand.logger))
        let hasStatements = plan.tables.contains { !$0.statements.isEmpty }
        guard !plan.isPossible || (plan.acceptsGaps && !acceptsGaps) || hasStatements else { return }
        let fetch = earlier.map { "millrace list \(name) --file \($0) > FILE, then " } ?? ""
        var way =
            plan.isPossible
            ? "\(fetch)millrace plan FILE --out PLAN and millrace apply PLAN do what is needed"
            : "\(fetch)millrace deploy FILE --force does it all the same"
        if plan.isPossible, !hasStatements {
            let command = earlier.map { "rollback \(name) --to \($0)" } ?? "deploy FILE"
            way += ", and so does millrace \(command) --from-now"
        }
        throw Refusal(description: "\(plan.text)\nNothing was deployed, and version \(base.version) goes on; \(way)")
    }

    /// The text of a file; that there is none is said, and ends the command.
    static func text(of file: String) throws -> String {
        let (bytes, diagnostics) = TopologyLoader.bytes(of: file)
        if let bytes { return String(decoding: bytes, as: UTF8.self) }
        for diagnostic in diagnostics.all { StandardError.write(diagnostic.report) }
        throw ExitCode(1)
    }

    private static func line(_ answer: Answer) -> String {
        "\(answer.topology): version \(answer.version) \(answer.outcome), \(answer.state)"
            + (answer.reason.isEmpty ? "" : ": \(answer.reason)")
    }
}
