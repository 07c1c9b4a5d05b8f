import Foundation

/// An answer. Refusals are answers too, and are thrown by what refuses.
package struct HTTPResponse: Sendable, Equatable, Error {
    package var status: Int
    package var contentType: String
    /// Besides those that every answer has.
    package var headers: [String: String] = [:]
    package var body: [UInt8]

    /// An answer with content.
    package init(status: Int = 200, contentType: String, body: some Sequence<UInt8>) {
        self.status = status
        self.contentType = contentType
        self.body = Array(body)
    }

    /// JSON.
    package static func json(_ body: some Sequence<UInt8>, status: Int = 200) -> HTTPResponse {
        HTTPResponse(status: status, contentType: "application/json", body: body)
    }

    private struct ErrorBody: Encodable {
        struct Content: Encodable {
            var code: String
            var message: String
        }
        var error: Content
    }

    /// `{"error": {"code": …, "message": …}}`
    package static func error(
        _ status: Int, _ code: String, _ message: String, headers: [String: String] = [:]
    ) -> HTTPResponse {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let body = try? encoder.encode(ErrorBody(error: .init(code: code, message: message))) else {
            preconditionFailure("two texts can be encoded")
        }
        var response = json(body, status: status)
        response.headers = headers
        return response
    }

    /// The status line and the headers, and the empty line. Every connection serves one request.
    func head() -> [UInt8] {
        var lines = [
            "HTTP/1.1 \(status) \(Self.reasons[status] ?? "Other")", "Content-Type: \(contentType)",
            "Content-Length: \(body.count)", "Connection: close",
        ]
        if headers["Cache-Control"] == nil { lines.append("Cache-Control: no-store") }
        lines.append("X-Content-Type-Options: nosniff")
        lines += headers.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
        return Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)
    }

    private static let reasons = [
        200: "OK", 202: "Accepted", 303: "See Other", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden",
        404: "Not Found",
        405: "Method Not Allowed", 409: "Conflict", 411: "Length Required", 413: "Content Too Large",
        431: "Request Header Fields Too Large", 500: "Internal Server Error", 503: "Service Unavailable",
        505: "HTTP Version Not Supported",
    ]
}

/// What is refused before anybody looks at what is asked.
extension HTTPResponse {
    static func malformed(_ what: String) -> HTTPResponse {
        error(400, "malformed", "this is no request of HTTP/1.1: \(what)")
    }
    static var headTooLong: HTTPResponse {
        error(
            431, "head-too-long",
            "expected at most \(WebLimits.headBytes) bytes and \(WebLimits.headers) headers in front of the body")
    }
    static var bodyTooLong: HTTPResponse {
        error(413, "body-too-long", "expected at most \(WebLimits.bodyBytes) bytes of body")
    }
    static var lengthRequired: HTTPResponse {
        error(411, "length-required", "a body needs a Content-Length; none in chunks is taken")
    }
    static var versionNotSupported: HTTPResponse {
        error(505, "version", "expected HTTP/1.1")
    }
    static var plain: HTTPResponse {
        error(400, "use-https", "this port speaks TLS; ask it with https:// in the place of http://")
    }
    static var tooLate: HTTPResponse {
        error(
            503, "no-answer-in-time",
            "there was no answer within \(WebLimits.answer.components.seconds) s; what was to be changed may be changed "
                + "or not: look at the topology")
    }
}
