import ArgumentParser
import Catalog
import Foundation
import Platform
import Postgres

/// Options of the commands that talk to the catalogue.
struct CatalogOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The catalogue's database: a URL or key=value words.",
            discussion: "Without it, MILLRACE_DATABASE of the environment, or DATABASE_URL.", valueName: "url"))
    var database: String?

    @Flag(help: "Answer with JSON.")
    var json = false

    /// How long a command that only looks waits for a silent database.
    private static let quick = Duration.seconds(5)

    /// Where the catalogue is.
    /// - Throws: `ValidationError` when nobody has said it, `PostgresError` when what was said is none.
    func settings() throws -> ConnectionSettings {
        let environment = ProcessInfo.processInfo.environment
        let named = ["MILLRACE_DATABASE", "DATABASE_URL"].compactMap { environment[$0] }.first { !$0.isEmpty }
        guard let url = database ?? named else {
            throw ValidationError(
                "no database is given: --database postgres://user@host/database, or MILLRACE_DATABASE or DATABASE_URL in the environment"
            )
        }
        let settings = try ConnectionSettings(url: url)
        Redaction.conceal(settings.secrets)
        return settings
    }

    /// Runs `body` with the catalogue, on a thread of its own; errors are written and end the command with 1.
    /// - Parameter isQuick: whether to give up when the database says nothing for seconds: who wants to know how things are
    ///   wants to know that.
    func withCatalog<Result: Sendable>(
        isQuick: Bool = false, look: Look<Result>? = nil,
        _ body: @escaping @Sendable (inout Catalog) throws -> Result
    ) async throws -> Result {
        do {
            let settings = try settings()
            return try await onThread(named: "catalogue") {
                // A comparison may read for long, and a lock be held for long: whoever waits sees it, and may end it.
                var catalog = try Catalog(
                    connecting: settings, looksOnly: look != nil, within: isQuick ? Self.quick : .seconds(10),
                    silence: isQuick ? Self.quick : nil,
                    report: { seconds in
                        StandardError.write("millrace: the database has not answered for \(seconds) s; waiting on")
                    })
                return try body(&catalog)
            }
        } catch let error as ValidationError {
            throw error
        } catch let error as ExitCode {
            throw error
        } catch let error as CatalogError where error.code == .absent && look?.nothing != nil {
            return look!.nothing!
        } catch {
            StandardError.write("millrace: \(error)")
            throw ExitCode(1)
        }
    }

    /// What a command does that changes nothing, not even a database that has nothing of Millrace's.
    struct Look<Result: Sendable>: Sendable {
        /// The answer there; nil where it is an error.
        var nothing: Result?
    }

    /// Who changes something: `user@host`.
    static var person: String {
        let user = NSUserName()
        return "\(user.isEmpty ? "unknown" : user)@\(ProcessInfo.processInfo.hostName)"
    }
}

/// Answers as JSON, keys in order.
enum JSONAnswer {
    static func print(_ value: some Encodable) { Swift.print(String(decoding: bytes(value), as: UTF8.self)) }

    static func bytes(_ value: some Encodable) -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(value) else { preconditionFailure("answers are plain values") }
        return data
    }
}

/// Moments, as people and programs read them.
enum Moment {
    /// `2026-01-31T12:00:00Z`
    static func text(_ microseconds: Int64) -> String {
        Date(timeIntervalSince1970: Double(microseconds) / 1e6).formatted(.iso8601)
    }
}
