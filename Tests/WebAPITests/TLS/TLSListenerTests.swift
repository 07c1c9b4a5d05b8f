import Foundation
import Platform
import PlatformTesting
import Testing

@testable import WebAPI

/// A listener with TLS: who gets an answer, and what those see who speak something else.
@Suite(.enabled(if: CertificateFolder.canMake)) struct TLSListenerTests {
    /// A listener that says of each request how it came, and its body's length.
    private final class Site: Sendable {
        let folder: CertificateFolder
        let listener: WebListener
        let files: TLSFiles

        init(body: Int = 0) throws {
            let folder = try CertificateFolder()
            (self.folder, files) = (folder, try folder.make("site"))
            let keeper = try TLSKeeper(files) { _ in }
            listener = try WebListener(at: ListenAddress(host: "127.0.0.1", port: 0), keeper: keeper) {
                request, reply in
                let text = "\(request.isEncrypted) \(request.body.count)\n" + String(repeating: "x", count: body)
                reply.send(HTTPResponse(contentType: "text/plain", body: text.utf8))
            }
        }

        deinit { listener.stop() }

        func get(_ certificate: String? = nil) throws -> String {
            let call = try WebCall(
                listener.address, token: "t", certificate: certificate ?? files.certificate)
            let (status, body) = try call.get("/")
            return "\(status) " + String(decoding: body, as: UTF8.self)
        }

        /// What comes back for bytes, until the other side has ended.
        func exchange(_ bytes: [UInt8]) throws -> [UInt8] {
            let socket = try Sockets.connect(to: listener.address, seconds: 60)
            defer { Sockets.close(socket) }
            _ = Sockets.write(socket, bytes, from: 0)
            var (all, buffer) = ([UInt8](), [UInt8](repeating: 0, count: 4_096))
            while true {
                let count = Sockets.systemRead(socket, &buffer)
                guard count > 0 else { return all }
                all += buffer[..<count]
            }
        }
    }

    @Test func whoSpeaksTLSIsAnswered() async throws {
        try await onOwnThread {
            let site = try Site()
            #expect(try site.get() == "200 true 0\n")
            #expect(try Site(body: 3 << 20).get().utf8.count == "200 true 0\n".utf8.count + 3 << 20)
        }
    }

    /// The token goes to nobody who shows another certificate.
    @Test func whoShowsAnotherCertificateIsNotAsked() async throws {
        try await onOwnThread {
            let site = try Site()
            let other = try site.folder.make("other").certificate
            #expect {
                try site.get(other)
            } throws: {
                "\($0)".contains("it shows another certificate than the first one in \(other)")
            }
            #expect(throws: TLSFailure.self) { try site.get(site.files.key) }
        }
    }

    @Test func whoeverComesWithoutTLSIsToldSo() async throws {
        try await onOwnThread {
            let site = try Site()
            let request = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
            for text in [request, "P", "POST / HTTP/1.1\r\n" + String(repeating: "x", count: 100_000)] {
                let answer = String(decoding: try site.exchange(Array(text.utf8)), as: UTF8.self)
                #expect(answer.hasPrefix("HTTP/1.1 400 Bad Request\r\n"), "\(answer)")
                #expect(answer.contains("\"code\":\"use-https\""), "\(answer)")
            }
            let head = String(decoding: try site.exchange(Array("HEAD".utf8)), as: UTF8.self)
            #expect(head.hasPrefix("HTTP/1.1 400 Bad Request\r\n") && head.hasSuffix("\r\n\r\n"), "\(head)")
            let call = try WebCall(site.listener.address, token: "t")
            #expect(try call.get("/").status == 400)
            #expect(try site.get() == "200 true 0\n")
        }
    }

    /// What is neither gets nothing, or the alert of TLS, and stands in nobody's way.
    @Test(arguments: 0..<8) func whatIsNothingIsEnded(seed: UInt64) async throws {
        try await onOwnThread {
            let site = try Site()
            var random = SeededRandom(seed: seed)
            for first in [0x00, 0x15, 0x16, 0x17, 0x80, 0xff] as [UInt8] {
                var bytes = (0..<200).map { _ in UInt8.random(in: .min ... .max, using: &random) }
                bytes[0] = first
                // A record of TLS that is not too long to be waited for, and no hello.
                bytes.replaceSubrange(1..<5, with: [3, UInt8(seed % 5), 0, 100])
                let answer = try site.exchange(bytes)
                #expect(answer.isEmpty || answer[0] == 0x15, "seed \(seed), \(first): \(answer)")
            }
            #expect(try site.get() == "200 true 0\n")
        }
    }

    /// More than there may be, all in the middle of a handshake: who speaks to the end is answered.
    @Test func halfHandshakesGiveWay() async throws {
        try await onOwnThread {
            let site = try Site()
            var sockets: [Int32] = []
            defer { sockets.forEach(Sockets.close) }
            for index in 0..<(WebLimits.connections + 50) {
                let socket = try Sockets.connect(to: site.listener.address, seconds: 60)
                sockets.append(socket)
                // Nothing at all, or the head of a record whose rest never comes.
                if index.isMultiple(of: 2) { _ = Sockets.write(socket, [22, 3, 1, 1, 0, 1], from: 0) }
            }
            #expect(try site.get() == "200 true 0\n")
            var buffer = [UInt8](repeating: 0, count: 16)
            #expect(Sockets.systemRead(sockets[0], &buffer) <= 0, "the oldest was ended for the others")
        }
    }

    @Test func anEndWaitsForNoHandshake() async throws {
        try await onOwnThread {
            let site = try Site()
            let socket = try Sockets.connect(to: site.listener.address, seconds: 60)
            defer { Sockets.close(socket) }
            _ = Sockets.write(socket, [22, 3, 1, 1, 0, 1], from: 0)
            #expect(try site.get() == "200 true 0\n")
            site.listener.stop()
            var buffer = [UInt8](repeating: 0, count: 16)
            #expect(Sockets.systemRead(socket, &buffer) <= 0)
            #expect(throws: WebCall.Failure.self) { try site.get() }
        }
    }
}
