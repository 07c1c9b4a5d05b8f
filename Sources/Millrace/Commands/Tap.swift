import ArgumentParser
import Foundation
import Platform
import WebAPI

/// `millrace tap`: the records that pass a node.
struct TapCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tap",
        abstract: "Show records that pass a node of a topology that runs, as lines of JSON.",
        discussion: """
            Asks a process that serves it and listens (millrace serve --listen), at most some records a second: a sample, \
            not all. Of a summarize, it is the records that reach it. Fields whose names say that they tell who somebody \
            is, or hold a secret, such as user, email, client_ip or token, have a pseudonym in place of their value: the \
            same one for the same value, while the tap is open.

              millrace tap kpis records --count 20
              millrace tap kpis wanted --mask country --show user | jq .user
            """)

    @Argument(help: "The topology.")
    var topology: String

    @Argument(help: "The node: a parser, a filter, a derive, …; no source, and no sink.")
    var node: String

    @Option(help: "End after so many records.")
    var count: Int?

    @Option(help: ArgumentHelp("Records a second, 1 to 100.", valueName: "number"))
    var rate = WebLimits.tapRate

    @Option(help: ArgumentHelp("More fields to mask.", valueName: "field,field"))
    var mask = ""

    @Option(help: ArgumentHelp("Fields not to mask.", valueName: "field,field"))
    var show = ""

    @Option(help: ArgumentHelp("Where the process listens.", valueName: "[address:]port"))
    var listen = ListenAddress(host: "127.0.0.1", port: 8_484)

    @Option(
        help: ArgumentHelp(
            "The file with the token that may act; the one that serve makes, unless given.", valueName: "path"))
    var tokenFile: String?

    @Option(
        help: ArgumentHelp(
            "The certificate of a process that listens by TLS: its --tls-certificate.", valueName: "path"))
    var tlsCertificate: String?

    /// Between two questions.
    private static let pause = 0.25
    /// Nothing has passed for so long: that is said, once.
    private static let stillness = Duration.seconds(10)

    func validate() throws {
        if let count, count < 1 { throw ValidationError("--count: at least 1") }
        guard (1...WebLimits.tapRateMax).contains(rate) else {
            throw ValidationError("--rate: 1 to \(WebLimits.tapRateMax)")
        }
    }

    func run() async throws {
        let path = tokenFile ?? WebOptions.defaultTokenPath(ProcessInfo.processInfo.environment)
        let call: WebCall
        do {
            // One that is missing is not made: nobody would know it.
            guard FileManager.default.fileExists(atPath: path) else {
                throw Refusal(
                    description: "token file \(path) is not there; give the one of millrace serve with --token-file")
            }
            call = try WebCall(listen, token: try TokenFile(path).text, certificate: tlsCertificate)
        } catch {
            StandardError.write("millrace: \(error)")
            throw ExitCode(1)
        }
        try await onThread(named: "tap") {
            StopSignal.watch()
            do {
                try follow(call)
            } catch {
                StandardError.write("millrace: \(error)")
                throw ExitCode(1)
            }
        }
    }

    private struct Answer: Decodable {
        var next: Int64
        var passed: Int64
    }

    private struct Complaint: Decodable {
        struct Content: Decodable {
            var code: String
            var message: String
        }
        var error: Content
    }

    /// Prints what passes, until there is enough or a signal comes.
    private func follow(_ call: WebCall) throws {
        var (after, shown, passed): (Int64?, Int, Int64) = (nil, 0, 0)
        var quietSince: ContinuousClock.Instant? = .now
        while !StopSignal.isRaised {
            let (status, body) = try call.get(target(after: after))
            let data = Data(body)
            guard status == 200 else {
                throw Self.refusal(status, data, at: listen)
            }
            let answer = try JSONDecoder().decode(Answer.self, from: data)
            let records = Self.records(in: body).prefix(count.map { $0 - shown } ?? .max)
            for record in records { print(record) }
            fflush(nil)
            (after, passed) = (answer.next, answer.passed)
            shown += records.count
            if let count, shown >= count { break }
            if !records.isEmpty { quietSince = .now }
            if let since = quietSince, .now - since > Self.stillness {
                StandardError.write("millrace: no record has passed \(node) for \(Self.stillness.components.seconds) s")
                quietSince = nil
            }
            Thread.sleep(forTimeInterval: Self.pause)
        }
        StandardError.write("millrace: \(shown) of \(passed) records that passed \(node)")
    }

    private static func refusal(_ status: Int, _ body: Data, at address: ListenAddress) -> Refusal {
        guard let complaint = try? JSONDecoder().decode(Complaint.self, from: body).error else {
            return Refusal(description: "the process answers with status \(status)")
        }
        if complaint.code == "use-https" {
            return Refusal(
                description:
                    "the process at \(address) listens by TLS; give its certificate with --tls-certificate PATH")
        }
        return Refusal(description: complaint.message)
    }

    private func target(after: Int64?) -> String {
        func encoded(_ text: String) -> String {
            text.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? text
        }
        let last = after.map { "&after=\($0)" } ?? ""
        return "/api/v1/topologies/\(encoded(topology))/tap?node=\(encoded(node))&rate=\(rate)"
            + "&mask=\(encoded(mask))&show=\(encoded(show))\(last)"
    }

    /// The objects of `"records": […]` as they stand there, so that numbers stay as they are.
    static func records(in body: [UInt8]) -> [String] {
        var found: [String] = []
        var (depth, start, isText, isEscaped) = (0, 0, false, false)
        for (index, byte) in body.enumerated() {
            if isText {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isText = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): isText = true
            case UInt8(ascii: "{"):
                depth += 1
                if depth == 2 { start = index }
            case UInt8(ascii: "}"):
                if depth == 2 { found.append(String(decoding: body[start...index], as: UTF8.self)) }
                depth -= 1
            default: break
            }
        }
        return found
    }
}
