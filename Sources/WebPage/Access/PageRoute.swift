package import WebAPI

/// A view of the page.
package enum PageView: String, Sendable, CaseIterable {
    case overview, topology, partitions, tables, deadLetters, changes, why

    /// Behind the topology's name in the path.
    var segment: String? {
        switch self {
        case .overview, .topology: nil
        case .deadLetters: "dead-letters"
        default: rawValue
        }
    }

    /// What it is called.
    var title: String {
        switch self {
        case .overview: "Overview"
        case .topology: "Topology"
        case .partitions: "Partitions"
        case .tables: "Tables"
        case .deadLetters: "Dead letters"
        case .changes: "Changes"
        case .why: "Why"
        }
    }
}

/// Something that the page has done.
package enum PageActionKind: String, Sendable, CaseIterable {
    case pause, resume, restart, discard, replay, promote, rollback
}

/// What the page is asked for.
package enum PageRoute: Sendable, Equatable {
    case asset(String)
    case signIn, signOut
    case view(PageView, topology: String)
    case action(PageActionKind, topology: String)

    /// The route of a request; nil for a path that is not the page's.
    /// - Throws: the answer to a method that the path does not have.
    package static func find(_ request: HTTPRequest) throws(HTTPResponse) -> PageRoute? {
        guard let (route, method) = route(request.path) else { return nil }
        let given = request.method == "HEAD" ? "GET" : request.method
        // One may look at the form, and send it.
        if route == .signIn, given == "POST" { return route }
        guard given == method else {
            throw .error(
                405, "method", "expected \(method)", headers: ["Allow": method == "GET" ? "GET, HEAD" : method])
        }
        return route
    }

    private static func route(_ path: [String]) -> (PageRoute, method: String)? {
        switch path {
        case [""]: return (.view(.overview, topology: ""), "GET")
        case ["sign-in"]: return (.signIn, "GET")
        case ["sign-out"]: return (.signOut, "POST")
        default: break
        }
        if path.count == 2, path[0] == "assets" { return (.asset(path[1]), "GET") }
        guard (2...3).contains(path.count), path[0] == "topologies", !path[1].isEmpty else { return nil }
        let segment = path.count == 3 ? path[2] : nil
        if let view = PageView.allCases.first(where: { $0 != .overview && $0.segment == segment }) {
            return (.view(view, topology: path[1]), "GET")
        }
        guard let action = segment.flatMap(PageActionKind.init(rawValue:)) else { return nil }
        return (.action(action, topology: path[1]), "POST")
    }
}
