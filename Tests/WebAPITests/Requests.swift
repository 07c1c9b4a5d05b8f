@testable import WebAPI

/// Requests as they come, and what becomes of them.
enum Requests {
    static let token = String(repeating: "a", count: 64)
    static let readToken = String(repeating: "b", count: 64)
    static let gate = Gate(token: Token(token), readToken: Token(readToken), hosts: ["Kpis.example"])

    /// What a reader makes of bytes that come in pieces of this size; nil when more is to come.
    static func read(_ text: String, pieces: Int = .max) -> Result<HTTPRequest, HTTPResponse>? {
        read(Array(text.utf8), pieces: pieces)
    }

    static func read(_ bytes: [UInt8], pieces: Int = .max) -> Result<HTTPRequest, HTTPResponse>? {
        var reader = HTTPRequestReader()
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = rest.prefix(pieces)
            rest = rest.dropFirst(piece.count)
            switch reader.take(piece) {
            case .incomplete: continue
            case .request(let request): return .success(request)
            case .refused(let response): return .failure(response)
            }
        }
        return nil
    }

    /// What is asked for, or the answer that refuses it.
    static func admit(
        _ method: String, _ path: String, token: String? = token, _ headers: String...
    ) -> Result<WebOperation, HTTPResponse> {
        var lines = ["\(method) \(path) HTTP/1.1"] + headers
        if !headers.contains(where: { $0.hasPrefix("Host:") }) { lines.append("Host: localhost:8484") }
        if let token { lines.append("Authorization: Bearer \(token)") }
        guard let read = read(lines.joined(separator: "\r\n") + "\r\n\r\n") else {
            preconditionFailure("a request has an end")
        }
        return read.flatMap { request in
            do throws(HTTPResponse) { return .success(try gate.admit(request)) } catch { return .failure(error) }
        }
    }

    /// The status of the answer that refuses something; 200 when nothing does.
    static func status<Value>(_ result: Result<Value, HTTPResponse>?) -> Int? {
        switch result {
        case .success: 200
        case .failure(let response): response.status
        case nil: nil
        }
    }
}
