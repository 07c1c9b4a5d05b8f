import ArgumentParser
import Catalog
import Declaration
import Foundation
import Logging

/// `millrace plan`: what would change?
struct PlanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Say what deploying a topology file would change, table by table; change nothing.",
        discussion: """
            Tries the start in the tables' own database, in a transaction that is rolled back: what is said is what would \
            happen. Needs the variables that the file names. Exits with 0 when the plan can be applied, with 1 when a table \
            is in the way.
            """)

    @Argument(help: ArgumentHelp("The topology file; - is standard input.", valueName: "file"))
    var file: String

    @Option(help: ArgumentHelp("Write the plan to this file, for millrace apply.", valueName: "file"))
    var out: String?

    @OptionGroup var catalog: CatalogOptions

    func run() async throws {
        let plan = try await Self.make(file, catalog)
        if let out {
            guard Self.mayBeWritten(out) else {
                StandardError.write(
                    "millrace: \(out) is there and is no plan, so it stays as it is; give the plan another name")
                throw ExitCode(1)
            }
            do { try plan.bytes.write(to: URL(fileURLWithPath: out)) } catch {
                StandardError.write("millrace: \(out) cannot be written: \(FileProblem.reason(error))")
                throw ExitCode(1)
            }
        }
        if catalog.json { print(String(decoding: plan.bytes, as: UTF8.self)) } else { print(plan.text) }
        if !plan.isPossible { throw ExitCode(1) }
    }

    /// Whether there is nothing at a path but an older plan, or what is no file at all, such as a pipe.
    private static func mayBeWritten(_ path: String) -> Bool {
        guard
            (try? FileManager.default.attributesOfItem(atPath: path))?[.type] as? FileAttributeType == .typeRegular,
            let bytes = FileManager.default.contents(atPath: path), !bytes.isEmpty
        else { return true }
        return (try? JSONDecoder().decode(ChangePlan.self, from: bytes)) != nil
    }

    static let logger = Logger(label: "millrace") { _ in
        var handler = PlainLogHandler()
        handler.logLevel = .warning
        return handler
    }

    /// Compares a file with what is deployed.
    static func make(_ file: String, _ options: CatalogOptions) async throws -> ChangePlan {
        let text = try Deploy.text(of: file)
        let (found, diagnostics) = TopologyLoader().load(text: text, from: file)
        for diagnostic in diagnostics.all { StandardError.write(diagnostic.report) }
        guard let topology = found else { throw ExitCode(1) }
        return try await options.withCatalog { catalog in
            let base = try catalog.base(of: topology.name)
            let deployed = try base.version > 0 ? catalog.version(base.version, of: topology.name).file : nil
            return ChangePlan(
                topology.name, file: text, base: base, isDeployed: deployed == text,
                try Rehearsing.run(topology, logger: logger))
        }
    }
}

/// `millrace apply`: what was planned is done.
struct Apply: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Do what a plan says: change the tables as it says, and deploy its file.",
        discussion: """
            Takes a file that millrace plan --out has written. Refuses it when something was deployed since; applying it \
            twice changes nothing.
            """)

    @Argument(help: ArgumentHelp("The plan.", valueName: "file"))
    var plan: String

    @Option(help: "What there is to say about this version.")
    var note = ""

    @Option(help: ArgumentHelp("How long to wait until it runs.", valueName: "duration"))
    var wait = TimeLength(argument: "30s")!

    @OptionGroup var catalog: CatalogOptions

    func run() async throws {
        let plan = try read()
        let (found, diagnostics) = TopologyLoader().load(text: plan.file, from: "the plan's file")
        guard let topology = found, topology.name == plan.topology else {
            for diagnostic in diagnostics.all { StandardError.write(diagnostic.report) }
            StandardError.write("millrace: \(self.plan): the plan's file is no longer valid here")
            throw ExitCode(1)
        }
        let note = note
        try await ControlAnswer.run(plan.topology, catalog, wait: wait.duration) { catalog in
            do {
                return try Self.perform(plan, topology, note: note, &catalog)
            } catch let error as CatalogError where error.code == .moved {
                // Somebody else may have applied the same plan at the same time.
                let base = try catalog.base(of: plan.topology)
                guard try Self.isDone(plan, base, &catalog) else { throw error }
                return "version \(base.version) is what was planned already"
            }
        }
    }

    /// Whether the file of a plan is what is deployed, and the plan has nothing to do to the tables of such a one.
    private static func isDone(_ plan: ChangePlan, _ base: DeploymentBase, _ catalog: inout Catalog) throws -> Bool {
        let hasChanges = plan.tables.contains { !$0.statements.isEmpty }
        guard base.version > 0, base != plan.base || plan.isDeployed && !hasChanges else { return false }
        return try catalog.version(base.version, of: plan.topology).file.utf8.elementsEqual(plan.file.utf8)
    }

    private static func perform(
        _ plan: ChangePlan, _ topology: CompiledTopology, note: String, _ catalog: inout Catalog
    ) throws -> String {
        let base = try catalog.base(of: plan.topology)
        if try isDone(plan, base, &catalog) { return "version \(base.version) is what was planned already" }
        try catalog.check(plan.topology, isAt: plan.base)
        let now = ChangePlan(
            plan.topology, file: plan.file, base: base, isDeployed: plan.isDeployed,
            try Rehearsing.run(topology, logger: PlanCommand.logger))
        guard now.isPossible else { throw Refusal(description: "the plan cannot be applied:\n\(now.text)") }
        let statements = now.tables.flatMap(\.statements)
        // Tables that had been changed by hand, and are as they should be again.
        if plan.isDeployed, statements.isEmpty { return "version \(base.version) is what was planned already" }
        guard now.acceptsGaps == plan.acceptsGaps, now.tables.map(\.fate) == plan.tables.map(\.fate) else {
            // Unless another one who applies it has just changed them.
            try catalog.check(plan.topology, isAt: base)
            throw Refusal(
                description:
                    "topology \(plan.topology): the tables are not as they were when the plan was made; make a new "
                    + "plan. As it stands now:\n\(now.text)")
        }
        let outcome = try catalog.deploy(
            plan.topology, file: plan.file, note: note, plan: now.text, acceptsGaps: plan.acceptsGaps, expected: base,
            by: CatalogOptions.person
        ) {
            try Rehearsing.execute(statements, for: topology, logger: PlanCommand.logger)
        }
        switch outcome {
        case .unchanged(let version):
            // It may have failed for what the tables lacked.
            try catalog.restart(plan.topology, by: CatalogOptions.person)
            return "version \(version) begins again with its tables as planned"
        case .deployed(let version, _): return "version \(version) deployed"
        }
    }

    private func read() throws -> ChangePlan {
        do {
            return try JSONDecoder().decode(ChangePlan.self, from: Data(contentsOf: URL(fileURLWithPath: plan)))
        } catch is DecodingError {
            StandardError.write(
                "millrace: \(plan) is not a plan, expected what millrace plan FILE --out PLAN writes")
        } catch {
            StandardError.write("millrace: \(plan) cannot be read: \(FileProblem.reason(error))")
        }
        throw ExitCode(1)
    }
}
