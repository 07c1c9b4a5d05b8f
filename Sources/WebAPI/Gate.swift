/// Who may ask what: from a request to the operation it means, or to the answer that refuses it. Pure.
package struct Gate: Sendable {
    /// The token that may do everything, and one that may only look.
    private let token: Token
    private let readToken: Token?
    /// Names by which this listener is known besides its addresses and `localhost`, in small letters.
    private let hosts: Set<String>

    /// A gate for a listener.
    package init(token: Token, readToken: Token? = nil, hosts: some Sequence<String> = []) {
        self.token = token
        self.readToken = readToken
        self.hosts = Set(hosts.map { $0.lowercased() })
    }

    /// What is to be done.
    /// - Throws: the answer that refuses it.
    package func admit(_ request: HTTPRequest) throws(HTTPResponse) -> WebOperation {
        try checkSite(request)
        let (route, name) = try Route.find(request)
        try checkToken(request, route.access)
        return try route.operation(name, request)
    }

    /// Whether the request names this listener, and comes from no page of another site.
    /// - Throws: the answer that refuses it.
    package func checkSite(_ request: HTTPRequest) throws(HTTPResponse) {
        try checkOrigin(request, host: try checkHost(request))
    }

    /// What whoever shows a token may do.
    package enum Rights: Sendable, Hashable {
        case read, act
    }

    /// What a token is good for; nil for a wrong one.
    package func rights(of given: String) -> Rights? {
        // Both are compared whatever the first comparison says.
        let (mayAct, mayRead) = (token.matches(given), readToken?.matches(given) ?? false)
        return mayAct ? .act : mayRead ? .read : nil
    }

    /// A page of another site whose name was made to lead here (DNS rebinding) is told by the name.
    private func checkHost(_ request: HTTPRequest) throws(HTTPResponse) -> String {
        let host = request.header("host") ?? ""
        let name = Self.name(in: host)?.lowercased()
        guard let name, name == "localhost" || Sockets.isAddress(name) || hosts.contains(name) else {
            throw .error(
                403, "unknown-host",
                "the Host header names neither an address nor localhost; give the name with serve --host NAME")
        }
        return host
    }

    /// The name or address in a `Host` header, without port and brackets; nil when it has another form.
    static func name(in host: String) -> String? {
        if host.hasPrefix("[") {
            guard let end = host.firstIndex(of: "]") else { return nil }
            let rest = host[host.index(after: end)...]
            guard rest.isEmpty || isPort(rest) else { return nil }
            return String(host[host.index(after: host.startIndex)..<end])
        }
        guard let colon = host.firstIndex(of: ":") else { return host }
        return isPort(host[colon...]) ? String(host[..<colon]) : nil
    }

    private static func isPort(_ text: Substring) -> Bool {
        text.hasPrefix(":") && UInt16(text.dropFirst()) != nil && text.utf8.dropFirst().first != UInt8(ascii: "+")
    }

    private func checkOrigin(_ request: HTTPRequest, host: String) throws(HTTPResponse) {
        guard let origins = request.headers["origin"] else { return }
        // Behind a proxy that speaks TLS, the browser says https; without one it cannot have come to a port with TLS by http.
        let schemes = request.isEncrypted ? ["https"] : ["http", "https"]
        let own = schemes.map { "\($0)://\(host)".lowercased() }
        guard origins.count == 1, own.contains(origins[0].lowercased()) else {
            throw .error(403, "foreign-origin", "a page of another site may not ask")
        }
    }

    private func checkToken(_ request: HTTPRequest, _ access: Route.Access) throws(HTTPResponse) {
        guard access != .open else { return }
        let words = (request.header("authorization") ?? "").split(separator: " ", maxSplits: 1)
        let given = words.count == 2 && words[0].lowercased() == "bearer" ? String(words[1]) : ""
        guard let rights = rights(of: given) else {
            throw .error(
                401, "unauthorized",
                "expected the token of serve --token-file in the header Authorization: Bearer TOKEN",
                headers: ["WWW-Authenticate": "Bearer realm=\"millrace\""])
        }
        if access == .act, rights == .read { throw .error(403, "read-only", "this token may look, and change nothing") }
    }
}
