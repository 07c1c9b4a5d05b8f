import ArgumentParser
import Logging
import Synchronization
import Testing
import WebAPI

@testable import Millrace

/// What `serve` may be told about HTTP, and what the log says of certificates.
@Suite struct WebOptionsTests {
    private func complaint(_ arguments: String...) -> String? {
        do {
            _ = try WebOptions.parse(arguments)
            return nil
        } catch {
            return WebOptions.message(for: error)
        }
    }

    @Test func certificateAndKeyGoTogether() {
        let (certificate, key) = (["--tls-certificate", "c.pem"], ["--tls-key", "k.pem"])
        #expect(complaint("--listen", "0", certificate[0], certificate[1], key[0], key[1]) == nil)
        #expect(
            complaint("--listen", "0", certificate[0], certificate[1])
                == "--tls-certificate is given without --tls-key; TLS needs a certificate and its key")
        #expect(
            complaint("--listen", "0", key[0], key[1])
                == "--tls-key is given without --tls-certificate; TLS needs a certificate and its key")
        let alone = complaint(certificate[0], certificate[1], key[0], key[1])
        #expect(alone?.hasSuffix("are for --listen, which is not given") == true, "\(alone ?? "it is taken")")
    }

    /// Keeps lines in place of writing them.
    private struct Notebook: LogHandler {
        final class Lines: Sendable { let all = Mutex<[(level: Logger.Level, text: String)]>([]) }
        let lines: Lines
        var metadata = Logger.Metadata()
        var logLevel = Logger.Level.trace
        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }
        func log(event: LogEvent) {
            let words = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }
            lines.all.withLock { $0.append((event.level, "\(event.message)\(words.joined())")) }
        }
    }

    @Test func newsAreAsLoudAsTheyMatter() {
        let lines = Notebook.Lines()
        let logger = Logger(label: "test") { _ in Notebook(lines: lines) }
        let files = TLSFiles(certificate: "c.pem", key: "k.pem")
        let cases: [(TLSNews, Logger.Level, String)] = [
            (.renewed(end: 0), .notice, "certificate=c.pem certificate_ends=1970-01-01T00:00:00Z"),
            (.refused("c.pem: empty"), .error, "the one from before stays in use reason=c.pem: empty"),
            (.ending(end: 0, secondsLeft: 5 * 86_400 + 7), .warning, "days_left=5"),
            (.ending(end: 0, secondsLeft: 0), .error, "has ended, and clients refuse it"),
            (.handshakesFailed(count: 7, reason: "no shared cipher"), .debug, "count=7 reason=no shared cipher"),
        ]
        for (news, level, words) in cases {
            TLSLog.write(news, files, logger)
            let last = lines.all.withLock(\.last)
            #expect(last?.level == level, "\(news)")
            #expect(last?.text.contains(words) == true, "\(last?.text ?? "")")
        }
    }
}
