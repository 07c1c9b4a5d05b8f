/// What is asked for.
package enum WebOperation: Hashable, Sendable {
    case metrics, health, ready, document
    case topologies, processes
    case topology(String), versions(String), log(String, count: Int), why(String), deadLetters(String)
    case pause(String), resume(String), restart(String)
    case replay(String, LetterGroup, isRehearsal: Bool), lastReplay(String)
    case tap(TapQuery)
}

/// Dead letters that have these in common; nil for any.
package struct LetterGroup: Hashable, Sendable {
    package var cause: String?
    package var node: String?
    package var field: String?

    package init(cause: String? = nil, node: String? = nil, field: String? = nil) {
        self.cause = cause
        self.node = node
        self.field = field
    }
}

/// Records of a node that somebody wants to see.
package struct TapQuery: Hashable, Sendable {
    package var topology: String
    package var node: String
    /// Records a second.
    package var rate = WebLimits.tapRate
    /// Fields that are masked besides those whose names say so, and fields that are not.
    package var mask: Set<String> = []
    package var show: Set<String> = []
    /// Up to where records are known already; nil for what passes from now on.
    package var after: Int64?

    package init(topology: String, node: String) {
        self.topology = topology
        self.node = node
    }
}

/// A path, what may be done there, and who may.
package struct Route: Sendable {
    /// Who may ask.
    package enum Access: Sendable {
        /// Everybody.
        case open
        /// Whoever has a token.
        case read
        /// Whoever has the token that may change something.
        case act
    }

    /// `GET` or `POST`.
    package var method: String
    /// Segments; `{name}` stands for a topology.
    package var path: String
    package var access: Access
    private var make: @Sendable (String, HTTPRequest) throws(HTTPResponse) -> WebOperation

    private init(
        _ method: String, _ path: String, _ access: Access,
        _ make: @escaping @Sendable (String, HTTPRequest) throws(HTTPResponse) -> WebOperation
    ) {
        (self.method, self.path, self.access, self.make) = (method, path, access, make)
    }

    func operation(_ name: String, _ request: HTTPRequest) throws(HTTPResponse) -> WebOperation {
        try make(name, request)
    }

    /// All there are.
    package static let all: [Route] = [
        Route("GET", "/metrics", .open) { _, _ in .metrics },
        Route("GET", "/health", .open) { _, _ in .health },
        Route("GET", "/ready", .open) { _, _ in .ready },
        Route("GET", "/api/v1/openapi.json", .read) { _, _ in .document },
        Route("GET", "/api/v1/topologies", .read) { _, _ in .topologies },
        Route("GET", "/api/v1/topologies/{name}", .read) { name, _ in .topology(name) },
        Route("GET", "/api/v1/topologies/{name}/versions", .read) { name, _ in .versions(name) },
        Route("GET", "/api/v1/topologies/{name}/log", .read, log),
        Route("GET", "/api/v1/topologies/{name}/why", .read) { name, _ in .why(name) },
        Route("GET", "/api/v1/topologies/{name}/dead-letters", .read) { name, _ in .deadLetters(name) },
        Route("POST", "/api/v1/topologies/{name}/pause", .act) { name, _ in .pause(name) },
        Route("POST", "/api/v1/topologies/{name}/resume", .act) { name, _ in .resume(name) },
        Route("POST", "/api/v1/topologies/{name}/restart", .act) { name, _ in .restart(name) },
        Route("POST", "/api/v1/topologies/{name}/replay", .act, replay),
        Route("GET", "/api/v1/topologies/{name}/replay", .read) { name, _ in .lastReplay(name) },
        // It shows records whole, so looking is not enough.
        Route("GET", "/api/v1/topologies/{name}/tap", .act, tap),
        Route("GET", "/api/v1/processes", .read) { _, _ in .processes },
    ]

    private static let log: @Sendable (String, HTTPRequest) throws(HTTPResponse) -> WebOperation = {
        (name, request) throws(HTTPResponse) -> WebOperation in
        let text = request.query["count"] ?? "100"
        guard let count = Int(text), (1...WebLimits.logLines).contains(count) else {
            throw .error(400, "bad-count", "count: expected a number from 1 to \(WebLimits.logLines)")
        }
        return .log(name, count: count)
    }

    private static let replay: @Sendable (String, HTTPRequest) throws(HTTPResponse) -> WebOperation = {
        (name, request) throws(HTTPResponse) -> WebOperation in
        let word = request.query["rehearse"] ?? "false"
        guard let isRehearsal = Bool(word) else {
            throw .error(400, "bad-rehearse", "rehearse: expected true or false")
        }
        let group = LetterGroup(
            cause: request.query["cause"], node: request.query["node"], field: request.query["field"])
        return .replay(name, group, isRehearsal: isRehearsal)
    }

    private static let tap: @Sendable (String, HTTPRequest) throws(HTTPResponse) -> WebOperation = {
        (name, request) throws(HTTPResponse) -> WebOperation in
        func refusal(_ what: String) -> HTTPResponse { .error(400, "bad-tap", what) }
        guard let node = request.query["node"], !node.isEmpty else {
            throw refusal("node: expected the name of a node")
        }
        var query = TapQuery(topology: name, node: node)
        if let text = request.query["rate"] {
            guard let rate = Int(text), (1...WebLimits.tapRateMax).contains(rate) else {
                throw refusal("rate: expected a number from 1 to \(WebLimits.tapRateMax)")
            }
            query.rate = rate
        }
        if let text = request.query["after"] {
            guard let after = Int64(text), after >= 0 else { throw refusal("after: expected what `next` said before") }
            query.after = after
        }
        func names(_ text: String?) -> Set<String> { Set((text ?? "").split(separator: ",").map(String.init)) }
        (query.mask, query.show) = (names(request.query["mask"]), names(request.query["show"]))
        return .tap(query)
    }

    /// The route of a request, and the topology in its path.
    static func find(_ request: HTTPRequest) throws(HTTPResponse) -> (Route, String) {
        let found = all.compactMap { route in route.match(request.path).map { (route, $0) } }
        guard !found.isEmpty else {
            throw .error(404, "unknown-path", "there is nothing at this path; /api/v1/openapi.json lists what there is")
        }
        let method = request.method == "HEAD" ? "GET" : request.method
        if let (route, name) = found.first(where: { $0.0.method == method }) { return (route, name) }
        let methods = found.flatMap { $0.0.method == "GET" ? ["GET", "HEAD"] : [$0.0.method] }
        throw .error(
            405, "method", "expected \(methods.joined(separator: " or "))",
            headers: ["Allow": methods.joined(separator: ", ")])
    }

    /// The topology in a path that is of this form, an empty text where the form has none; nil for another path.
    private func match(_ segments: [String]) -> String? {
        let form = path.dropFirst().split(separator: "/")
        guard form.count == segments.count else { return nil }
        var name = ""
        for (expected, segment) in zip(form, segments) {
            if expected == "{name}", !segment.isEmpty {
                name = segment
            } else if expected != segment {
                return nil
            }
        }
        return name
    }
}
