public import Foundation
public import Kafka

/// `millrace broker` as a child process: a Kafka broker for development and tests, on loopback.
///
/// Holds 5 MiB per partition, keeps nothing, knows no transactions and no times; see `millrace broker --help`.
public final class DevelopmentBroker: Sendable {
    /// The shortest session timeout with which members are never forgotten. The mock cluster lets the first member of an
    /// empty group wait for three seconds and looks once a second for members that were silent for longer than their session
    /// timeout, those included that are waiting for its own answer: such a member is never answered, and waits for minutes.
    public static let sessionTimeoutMin = Duration.milliseconds(4_500)

    private let child: ChildProgram
    /// `host:port` of every broker, with commas between.
    public let bootstrapServers: String

    /// Starts the broker and waits until it listens.
    /// - Parameter executable: the `millrace` binary; if nil, the one beside the running binary or test bundle.
    /// - Parameter topics: topics to create, with their number of partitions.
    /// - Throws: if the binary is not there or the broker does not come up within 20 seconds.
    public init(executable: URL? = nil, topics: [String: Int] = [:], brokers: Int = 1) throws {
        let path = try (executable ?? DevelopmentBroker.executableBesideUs()).path
        var arguments = ["broker", "--control", "--with-parent", "--brokers", String(brokers)]
        for (name, partitions) in topics.sorted(by: { $0.key < $1.key }) {
            arguments += ["--topic", "\(name):\(partitions)"]
        }
        child = try ChildProgram(path, arguments, takesInput: true, log: nil)
        let expected = "listening on "
        guard let line = child.readLine(within: .seconds(20)), line.hasPrefix(expected) else {
            child.kill()
            throw ChildProgram.Failure(description: "\(path) broker: did not say '\(expected)ADDRESS' within 20 s")
        }
        bootstrapServers = String(line.dropFirst(expected.count))
    }

    /// The broker's process id.
    public var processID: Int32 { child.processID }

    /// Does something to the broker, and returns once it is done.
    /// - Throws: if the broker refuses, or has gone.
    public func apply(_ control: BrokerControl) throws {
        try child.send(control.line)
        let answer = child.readLine(within: .seconds(20))
        guard answer == "ok" else {
            throw ChildProgram.Failure(description: "broker control '\(control.line)': \(answer ?? "no answer")")
        }
    }

    /// Ends the broker in good order.
    public func stop() { child.stop() }

    /// Ends the broker at once. All its messages are gone either way.
    public func kill() { child.kill() }

    /// The `millrace` binary among the build products this process was started from.
    /// - Throws: naming the folders looked into.
    public static func executableBesideUs() throws -> URL {
        if let given = ProcessInfo.processInfo.environment["MILLRACE_EXECUTABLE"] { return URL(fileURLWithPath: given) }
        // A test bundle is run by a program of the toolchain, which names the bundle in its arguments.
        let candidates = [Bundle.main.executablePath].compactMap(\.self) + CommandLine.arguments
        var folders: [URL] = []
        for candidate in candidates where candidate.contains("/") {
            let folder = URL(fileURLWithPath: candidate).resolvingSymlinksInPath().deletingLastPathComponent()
            if !folders.contains(folder) { folders.append(folder) }
        }
        for folder in folders {
            let url = folder.appendingPathComponent("millrace")
            if FileManager.default.isExecutableFile(atPath: url.path) { return url }
            let product = folder.appendingPathComponent("Millrace")
            if FileManager.default.isExecutableFile(atPath: product.path) { return product }
        }
        throw ChildProgram.Failure(
            description: "no millrace binary in \(folders.map(\.path)); build it, or set MILLRACE_EXECUTABLE")
    }
}
