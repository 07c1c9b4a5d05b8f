import ArgumentParser
import Catalog
import Foundation
import Logging
import Platform
import Postgres

/// `millrace serve`: the daemon.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the topologies that are deployed in a database, and take up changes at once.",
        discussion: """
            Runs until SIGTERM or Ctrl-C. Any number of processes may serve one database: Kafka's groups share the \
            partitions out among them. A topology that fails is tried again after a while and leaves the others alone. \
            `${NAME}` in a topology's file is replaced from this process's environment.
            """)

    @OptionGroup var catalog: CatalogOptions

    @Option(
        help: ArgumentHelp(
            "Memory for all topologies together; three quarters of the machine's unless given.", valueName: "size"))
    var memory: ByteSize?

    @Option(
        help: ArgumentHelp(
            "A shell command to run when a topology fails; it gets JSON on its standard input.",
            discussion: "At most once a minute for each topology.", valueName: "command"))
    var onError: String?

    @OptionGroup(title: "HTTP") var web: WebOptions

    @Option(help: "The least log level shown: debug, info, notice, warning, error.")
    var logLevel: Logger.Level = .info

    func run() async throws {
        let settings = try catalog.settings()
        let name =
            "\(ProcessInfo.processInfo.hostName)/\(ProcessInfo.processInfo.processIdentifier):"
            + String(UInt32.random(in: .min ... .max), radix: 16)
        let log = ServeLog(daemon: name)
        let level = logLevel
        let logger = Logger(label: "millrace") { _ in ServeLogHandler(log, level: level) }
        let bytes = memory?.bytes ?? MachineMemory.bytes / 4 * 3
        logger.notice(
            "Serving", metadata: ["catalogue": "\(settings.redactedDescription)", "memory_mib": "\(bytes >> 20)"])
        do {
            let daemon = Daemon(
                settings, name: name, memoryBytes: bytes, hook: onError.map { AlertHook($0, logger: logger) }, log: log,
                logger: logger)
            let server = try web.start(settings, daemon, logger)
            // To the end, so that it can be seen how the topologies stop.
            var failure: (any Error)?
            do { try await daemon.run() } catch { failure = error }
            if let server { try await onThread(named: "web end") { server.stop() } }
            if let failure { throw failure }
            // What did not has been said.
            if daemon.hasEndedInOrder { logger.notice("All topologies have ended in order") }
        } catch {
            StandardError.write("millrace: \(error)")
            throw ExitCode(1)
        }
    }
}

/// The memory that this process may take: the machine's, or what its control group allows.
enum MachineMemory {
    static var bytes: Int {
        let machine = Int(ProcessInfo.processInfo.physicalMemory)
        let limit = try? String(contentsOfFile: "/sys/fs/cgroup/memory.max", encoding: .utf8)
        let group = limit.flatMap { Int($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
        return min(machine, group ?? .max)
    }
}
