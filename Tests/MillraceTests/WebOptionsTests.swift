import ArgumentParser
import Logging
import PlatformTesting
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

    @Test func newsAreAsLoudAsTheyMatter() {
        let lines = LogLines()
        let logger = Logger(label: "test") { _ in lines }
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
            let last = lines.all.last
            #expect(last?.level == level, "\(news)")
            #expect(last?.text.contains(words) == true, "\(last?.text ?? "")")
        }
    }
}
