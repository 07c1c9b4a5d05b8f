/// A request as it came, taken apart.
package struct HTTPRequest: Sendable, Equatable {
    /// `GET`, as written.
    package var method: String
    /// The path's segments, decoded: `/a/b%20c` is `["a", "b c"]`.
    package var path: [String]
    /// What stands behind the question mark, decoded; of a name given twice the last.
    package var query: [String: String]
    /// By name in small letters, in the order they came.
    package var headers: [String: [String]]
    package var body: [UInt8]
    /// Whether it came by the listener's own TLS.
    package var isEncrypted = false

    /// A request of its parts.
    package init(
        method: String, path: [String], query: [String: String] = [:], headers: [String: [String]] = [:],
        body: [UInt8] = []
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
    }

    /// A header that stands there once; nil when it stands there never or several times.
    package func header(_ name: String) -> String? {
        guard let values = headers[name], values.count == 1 else { return nil }
        return values[0]
    }
}

/// Puts a request together from the bytes of a connection, and refuses what is too long or not clearly one request.
///
/// ```
///   GET /path?query HTTP/1.1 CRLF        at most `headBytes` up to the empty line
///   name: value CRLF …                   at most `headers`
///   CRLF
///   body                                 `content-length` bytes, at most `bodyBytes`
/// ```
package struct HTTPRequestReader: Sendable {
    /// What has come so far.
    package enum Outcome: Sendable {
        case incomplete
        case request(HTTPRequest)
        case refused(HTTPResponse)
    }

    private var bytes: [UInt8] = []
    /// Bytes in which the end of the head was looked for.
    private var searched = 0
    private var head: HTTPRequest?
    private var bodyStart = 0
    private var bodyLength = 0

    /// Nothing has come.
    package init() {}

    /// Takes what came. After an outcome other than `incomplete` it is not called again.
    package mutating func take(_ more: some Sequence<UInt8>) -> Outcome {
        bytes.append(contentsOf: more)
        do throws(HTTPResponse) {
            if head == nil {
                guard let end = findHeadEnd() else {
                    if bytes.count > WebLimits.headBytes { throw HTTPResponse.headTooLong }
                    return .incomplete
                }
                if end > WebLimits.headBytes { throw HTTPResponse.headTooLong }
                let parsed = try RequestHead.parse(bytes[..<end])
                (head, bodyStart, bodyLength) = (parsed, end + 4, try RequestHead.bodyLength(parsed))
            }
            guard var request = head, bytes.count >= bodyStart + bodyLength else { return .incomplete }
            request.body = Array(bytes[bodyStart..<bodyStart + bodyLength])
            return .request(request)
        } catch {
            return .refused(error)
        }
    }

    /// Where the empty line begins.
    private mutating func findHeadEnd() -> Int? {
        var index = max(0, searched - 3)
        defer { searched = bytes.count }
        while index + 3 < bytes.count {
            if bytes[index] == 13, bytes[index + 1] == 10, bytes[index + 2] == 13, bytes[index + 3] == 10 {
                return index
            }
            index += 1
        }
        return nil
    }
}

/// The first line and the headers of a request.
enum RequestHead {
    static func parse(_ bytes: ArraySlice<UInt8>) throws(HTTPResponse) -> HTTPRequest {
        // A line end of another kind, or a byte that is none of a text, could be read in two ways.
        let text = String(decoding: bytes, as: UTF8.self).unicodeScalars
        var lines: [String] = []
        var line = String.UnicodeScalarView()
        var previous: Unicode.Scalar = " "
        for scalar in text {
            switch (previous, scalar) {
            case ("\r", "\n"):
                lines.append(String(line))
                line.removeAll(keepingCapacity: true)
            case ("\r", _), (_, "\n"): throw .malformed("a line ends without CRLF")
            case (_, "\r"): break
            default:
                guard scalar.value >= 32 || scalar == "\t", scalar.value != 127 else {
                    throw .malformed("a control character")
                }
                line.append(scalar)
            }
            previous = scalar
        }
        guard previous != "\r" else { throw .malformed("a line ends without CRLF") }
        lines.append(String(line))
        var request = try firstLine(lines[0])
        guard lines.count - 1 <= WebLimits.headers else { throw .headTooLong }
        for line in lines.dropFirst() {
            let (name, value) = try header(line)
            request.headers[name, default: []].append(value)
        }
        guard request.header("host") != nil else { throw .malformed("expected one Host header") }
        return request
    }

    private static func firstLine(_ line: String) throws(HTTPResponse) -> HTTPRequest {
        let words = line.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        guard words.count == 3, isToken(words[0]) else { throw .malformed("the first line is no request") }
        guard ["HTTP/1.1", "HTTP/1.0"].contains(words[2]) else {
            throw words[2].hasPrefix("HTTP/") ? .versionNotSupported : .malformed("the first line is no request")
        }
        let parts = words[1].split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        guard words[1].hasPrefix("/"), let path = parts.first?.dropFirst() else {
            throw .malformed("the target is no path")
        }
        var request = HTTPRequest(method: words[0], path: [])
        for segment in path.split(separator: "/", omittingEmptySubsequences: false) {
            request.path.append(try decoded(segment))
        }
        guard parts.count == 2 else { return request }
        for item in parts[1].split(separator: "&") {
            let sides = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let value = sides.count == 2 ? sides[1].replacing("+", with: " ") : ""
            request.query[try decoded(sides[0])] = try decoded(Substring(value))
        }
        return request
    }

    private static func header(_ line: String) throws(HTTPResponse) -> (String, String) {
        guard let colon = line.firstIndex(of: ":") else { throw .malformed("a header without a colon") }
        let name = String(line[..<colon])
        // So is a line that goes on with the header before it.
        guard isToken(name) else { throw .malformed("a header whose name is none") }
        let value = line[line.index(after: colon)...]
        let isSpace = { (character: Character) in character == " " || character == "\t" }
        let trimmed = value.drop(while: isSpace).reversed().drop(while: isSpace).reversed()
        return (name.lowercased(), String(trimmed))
    }

    /// Bytes of the body that follows.
    static func bodyLength(_ request: HTTPRequest) throws(HTTPResponse) -> Int {
        guard request.headers["transfer-encoding"] == nil else { throw .lengthRequired }
        guard let values = request.headers["content-length"] else { return 0 }
        guard values.count == 1, !values[0].isEmpty, values[0].utf8.allSatisfy({ (48...57).contains($0) }) else {
            throw .malformed("expected one Content-Length, a number")
        }
        guard let length = Int(values[0]), length <= WebLimits.bodyBytes else { throw .bodyTooLong }
        return length
    }

    private static func isToken(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case 48...57, 65...90, 97...122: true
                default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
                }
            }
    }

    private static func decoded(_ text: Substring) throws(HTTPResponse) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            let digits = rest.prefix(2)
            guard digits.count == 2, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
                let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16)
            else { throw .malformed("a percent sign without two hexadecimal digits") }
            bytes.append(value)
            rest.removeFirst(2)
        }
        guard let decoded = String(validating: bytes, as: UTF8.self) else {
            throw .malformed("the target is no UTF-8")
        }
        return decoded
    }
}
