import ArgumentParser
import Foundation
import Logging
import Postgres
import WebAPI

/// Options of `serve` about HTTP.
struct WebOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Answer HTTP at this port of the loopback address, or at ADDRESS:PORT.",
            discussion:
                "Metrics, health, and a JSON interface that wants a token. Nothing listens unless this is given.",
            valueName: "port"))
    var listen: ListenAddress?

    @Option(
        help: ArgumentHelp(
            "A name by which clients call this machine; may be given several times.",
            discussion: "Requests to other names than localhost are refused.", valueName: "name"))
    var host: [String] = []

    @Option(
        help: ArgumentHelp(
            "The file that holds the token, made when it is missing.",
            discussion: "Unless given, $XDG_STATE_HOME/millrace/token, or ~/.local/state/millrace/token.",
            valueName: "path"))
    var tokenFile: String?

    @Option(
        help: ArgumentHelp(
            "A file with another token, which may look and change nothing; made when it is missing.", valueName: "path")
    )
    var readTokenFile: String?

    @Option(
        help: ArgumentHelp(
            "Answer by TLS only, with the certificate in this file (PEM), and behind it those that vouch for it.",
            discussion: "A renewed certificate is taken up without a restart.", valueName: "path"))
    var tlsCertificate: String?

    @Option(
        help: ArgumentHelp(
            "The key that belongs to --tls-certificate (PEM, without a passphrase).", valueName: "path"))
    var tlsKey: String?

    func validate() throws {
        let isMeantForNobody =
            !host.isEmpty
            || [tokenFile, readTokenFile, tlsCertificate, tlsKey].contains { $0 != nil }
        if listen == nil, isMeantForNobody {
            throw ValidationError(
                "--host, --token-file, --read-token-file, --tls-certificate and --tls-key are for --listen, which is not "
                    + "given")
        }
        if (tlsCertificate == nil) != (tlsKey == nil) {
            let (given, missing) =
                tlsKey == nil ? ("--tls-certificate", "--tls-key") : ("--tls-key", "--tls-certificate")
            throw ValidationError("\(given) is given without \(missing); TLS needs a certificate and its key")
        }
    }

    /// Where the token is unless somebody says otherwise.
    static func defaultTokenPath(_ environment: [String: String]) -> String {
        let state = environment["XDG_STATE_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
        // The home that shells and documentation mean by `~`; Foundation asks the system's list of users first.
        let home = environment["HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil } ?? NSHomeDirectory()
        return (state ?? home + "/.local/state") + "/millrace/token"
    }

    /// Listens, if that is wanted.
    /// - Throws: `Refusal` when the address is taken or there is no token to be had.
    func start(_ settings: ConnectionSettings, _ daemon: Daemon, _ logger: Logger) throws -> WebServer? {
        guard let listen else { return nil }
        do {
            let file = try TokenFile(tokenFile ?? Self.defaultTokenPath(ProcessInfo.processInfo.environment))
            let readFile = try readTokenFile.map { path throws in try TokenFile(path) }
            let files = [file] + (readFile.map { [$0] } ?? [])
            Redaction.conceal(files.map(\.text))
            for file in files where file.isOpen {
                logger.warning(
                    "Others than its owner can read a token; chmod 600 it", metadata: ["file": "\(file.path)"])
            }
            let gate = Gate(token: Token(file.text), readToken: readFile.map { Token($0.text) }, hosts: host)
            let keeper = try keeper(logger)
            let server = try WebServer(at: listen, keeper, gate, settings, daemon, logger)
            let scheme = keeper == nil ? "http" : "https"
            var metadata: Logger.Metadata = ["url": "\(scheme)://\(server.address)", "token_file": "\(file.path)"]
            if let keeper { metadata["certificate_ends"] = "\(TLSMoment.text(keeper.certificateEnd))" }
            logger.notice("Listening for HTTP", metadata: metadata)
            if keeper == nil, !listen.isLoopback {
                logger.warning(
                    "Other machines may reach this listener; all that it says and the token travel in the clear",
                    metadata: [
                        "url": "http://\(server.address)", "way_out": "--tls-certificate and --tls-key, or a proxy",
                    ])
            }
            return server
        } catch let error as TLSFailure {
            throw Refusal(description: "no TLS: \(error)")
        } catch let error as TokenFile.Failure {
            throw Refusal(description: "\(error)")
        } catch {
            throw Refusal(description: "cannot listen at \(listen): \(error); choose another with --listen")
        }
    }

    /// Reads certificate and key, if TLS is wanted.
    private func keeper(_ logger: Logger) throws(TLSFailure) -> TLSKeeper? {
        guard let tlsCertificate, let tlsKey else { return nil }
        let files = TLSFiles(certificate: tlsCertificate, key: tlsKey)
        let keeper = try TLSKeeper(files) { news in TLSLog.write(news, files, logger) }
        if keeper.isKeyOpenToAll {
            logger.warning("Everybody on this machine can read a key; chmod o-r it", metadata: ["file": "\(files.key)"])
        }
        return keeper
    }
}

extension ListenAddress: ExpressibleByArgument {
    /// From the command line.
    public init?(argument: String) { self.init(argument) }
}
