#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Asks a listener of this program, as one of its commands does.
package struct WebCall: Sendable {
    /// Nobody answers, or not as a listener of this program does.
    package struct Failure: Error, CustomStringConvertible, Sendable {
        package let description: String
    }

    /// For connecting, for each piece of the request and of the answer.
    private static let patience = 10
    /// Bytes of an answer.
    private static let answerBytes = 16 << 20

    private let address: ListenAddress
    private let token: String
    /// The file with the listener's certificate, and its fingerprint when this began; nil for a listener without TLS.
    private let certificate: (path: String, fingerprint: [UInt8])?

    /// - Parameters:
    ///   - token: what is shown to the listener.
    ///   - certificate: the file with the certificate that the listener must show; nil for one without TLS.
    /// - Throws: `TLSFailure` when the file holds no certificate.
    package init(_ address: ListenAddress, token: String, certificate: String? = nil) throws(TLSFailure) {
        self.address = address
        self.token = token
        if let certificate {
            self.certificate = (certificate, try TLSContext.fingerprint(of: try PEMFile(certificate)))
        } else {
            self.certificate = nil
        }
    }

    private var url: String { (certificate == nil ? "http" : "https") + "://\(address)" }

    /// Asks for a path. Blocks its thread, for a bounded time.
    /// - Throws: `Failure` when nobody answers.
    package func get(_ target: String) throws(Failure) -> (status: Int, body: [UInt8]) {
        let request =
            "GET \(target) HTTP/1.1\r\nHost: \(address)\r\nAuthorization: Bearer \(token)\r\nConnection: close\r\n\r\n"
        let answer: [UInt8]
        do {
            answer = try exchange(Array(request.utf8))
        } catch {
            throw Failure(description: "nobody answers at \(url): \(error)")
        }
        let words = answer.prefix { $0 != 13 }.split(separator: 32)
        let end = answer.indices.first { answer[$0...].starts(with: [13, 10, 13, 10]) }
        guard words.count > 1, words[0].starts(with: "HTTP/1.1".utf8), let end,
            let status = Int(String(decoding: words[1], as: UTF8.self))
        else { throw Failure(description: "what answers at \(url) is not millrace serve") }
        return (status, Array(answer[(end + 4)...]))
    }

    private func exchange(_ request: [UInt8]) throws -> [UInt8] {
        let socket = try Sockets.connect(to: address, seconds: Self.patience)
        defer { Sockets.close(socket) }
        if certificate != nil { return try exchangeEncrypted(request, socket) }
        var start = 0
        while start < request.count {
            guard case .bytes(let count) = Sockets.write(socket, request, from: start) else { throw SystemError() }
            start += count
        }
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while answer.count < Self.answerBytes {
            let count = Sockets.systemRead(socket, &buffer)
            guard count >= 0 else { throw SystemError() }
            if count == 0 { break }
            answer += buffer[..<count]
        }
        return answer
    }

    private func exchangeEncrypted(_ request: [UInt8], _ socket: Int32) throws -> [UInt8] {
        TLSSession.shield()
        guard let session = try TLSContext().session(socket) else { throw TLSFailure("there is no memory for TLS") }
        switch session.shakeHands() {
        case .done: break
        case .blocked: throw TLSFailure("the handshake takes longer than \(Self.patience) s")
        case .failed(let reason): throw TLSFailure("it does not speak TLS as this program does: \(reason)")
        }
        // The token goes to nobody else.
        try checkCertificate(session.peerFingerprint)
        var start = 0
        while start < request.count {
            guard case .bytes(let count) = session.write(request, from: start) else {
                throw TLSFailure("the connection was lost")
            }
            start += count
        }
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while answer.count < Self.answerBytes {
            switch session.read(into: &buffer) {
            case .bytes(let count): answer += buffer[..<count]
            case .ended: return answer
            case .blocked: throw TLSFailure("nothing came for \(Self.patience) s")
            }
        }
        return answer
    }

    private func checkCertificate(_ shown: [UInt8]?) throws(TLSFailure) {
        guard let certificate, shown != certificate.fingerprint else { return }
        // It may have been renewed meanwhile.
        guard try TLSContext.fingerprint(of: try PEMFile(certificate.path)) != shown else { return }
        throw TLSFailure(
            "it shows another certificate than the first one in \(certificate.path); give the file that the process was "
                + "started with")
    }
}
