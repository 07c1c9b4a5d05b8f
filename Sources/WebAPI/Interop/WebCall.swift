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

    /// - Parameter token: what is shown to the listener.
    package init(_ address: ListenAddress, token: String) {
        self.address = address
        self.token = token
    }

    /// Asks for a path. Blocks its thread, for a bounded time.
    /// - Throws: `Failure` when nobody answers.
    package func get(_ target: String) throws(Failure) -> (status: Int, body: [UInt8]) {
        let request =
            "GET \(target) HTTP/1.1\r\nHost: \(address)\r\nAuthorization: Bearer \(token)\r\nConnection: close\r\n\r\n"
        let answer: [UInt8]
        do {
            answer = try exchange(Array(request.utf8))
        } catch {
            throw Failure(description: "nobody answers at http://\(address): \(error)")
        }
        let words = answer.prefix { $0 != 13 }.split(separator: 32)
        let end = answer.indices.first { answer[$0...].starts(with: [13, 10, 13, 10]) }
        guard words.count > 1, words[0].starts(with: "HTTP/1.1".utf8), let end,
            let status = Int(String(decoding: words[1], as: UTF8.self))
        else { throw Failure(description: "what answers at http://\(address) is not millrace serve") }
        return (status, Array(answer[(end + 4)...]))
    }

    private func exchange(_ request: [UInt8]) throws -> [UInt8] {
        let socket = try Sockets.connect(to: address, seconds: Self.patience)
        defer { Sockets.close(socket) }
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
}
