package import WebAPI

/// Who looks at the page.
package struct Viewer: Sendable, Hashable {
    /// Whether this token may change something.
    package var mayAct: Bool
    /// What the forms of this session carry.
    package var formToken: String

    package init(mayAct: Bool, formToken: String) {
        self.mayAct = mayAct
        self.formToken = formToken
    }
}

/// A view that is asked for.
package struct PageRequest: Sendable, Hashable {
    package var view: PageView
    package var topology: String
    package var query: [String: String]
    package var viewer: Viewer

    package init(view: PageView, topology: String = "", query: [String: String] = [:], viewer: Viewer) {
        self.view = view
        self.topology = topology
        self.query = query
        self.viewer = viewer
    }
}

/// Something that is to be done.
package struct PageAction: Sendable, Hashable {
    package var kind: PageActionKind
    package var topology: String
    package var form: [String: String]
    package var viewer: Viewer

    package init(kind: PageActionKind, topology: String, form: [String: String], viewer: Viewer) {
        self.kind = kind
        self.topology = topology
        self.form = form
        self.viewer = viewer
    }
}

/// Who may see the page, and what it does: from a request to what is to be shown or done, or to the answer.
package struct PageGate: Sendable {
    /// What is left to do when the gate has let somebody in.
    package enum Outcome: Sendable {
        case answer(HTTPResponse)
        case show(PageRequest)
        case act(PageAction)
    }

    private let gate: Gate
    private let sessions = PageSessions()

    /// The page behind a gate.
    package init(_ gate: Gate) { self.gate = gate }

    /// What is to be done; nil for a path that is not the page's.
    package func admit(_ request: HTTPRequest) -> Outcome? {
        do throws(HTTPResponse) {
            guard let route = try PageRoute.find(request) else { return nil }
            try gate.checkSite(request)
            return try outcome(route, request)
        } catch {
            return .answer(error)
        }
    }

    private func outcome(_ route: PageRoute, _ request: HTTPRequest) throws(HTTPResponse) -> Outcome {
        switch route {
        case .asset(let name): return .answer(try PageAssets.answer(name))
        case .signIn: return .answer(request.method == "POST" ? signIn(request) : PageAnswer.signIn())
        case .signOut:
            let (session, cookie) = try session(request)
            try checkForm(request, session)
            sessions.end(cookie)
            return .answer(PageAnswer.goTo("/sign-in", cookie: "\(Self.cookieName(request))=; Max-Age=0"))
        case .view(let view, let topology):
            let (session, _) = try session(request)
            return .show(
                PageRequest(view: view, topology: topology, query: request.query, viewer: Self.viewer(session)))
        case .action(let kind, let topology):
            let (session, _) = try session(request)
            let form = try checkForm(request, session)
            guard session.rights == .act else {
                throw PageAnswer.failure(403, "This token may look, and change nothing", "Sign in with the other one.")
            }
            return .act(PageAction(kind: kind, topology: topology, form: form, viewer: Self.viewer(session)))
        }
    }

    private static func viewer(_ session: PageSessions.Session) -> Viewer {
        Viewer(mayAct: session.rights == .act, formToken: session.formText)
    }

    /// Cookies do not tell ports apart: two processes on a machine would sign each other's users out.
    static func cookieName(_ request: HTTPRequest) -> String {
        let host = request.header("host") ?? ""
        let port = host.split(separator: ":").last.flatMap { UInt16($0) }
        return "millrace_\(port ?? 80)"
    }

    private func session(_ request: HTTPRequest) throws(HTTPResponse) -> (PageSessions.Session, cookie: String) {
        let name = Self.cookieName(request)
        for header in request.headers["cookie"] ?? [] {
            for pair in header.split(separator: ";") {
                let sides = pair.drop { $0 == " " }.split(separator: "=", maxSplits: 1)
                guard sides.count == 2, sides[0] == name else { continue }
                if let found = sessions.find(String(sides[1])) { return (found, String(sides[1])) }
            }
        }
        guard request.method != "POST" else {
            throw PageAnswer.failure(401, "Nobody is signed in", "Sign in, and do it again.")
        }
        throw PageAnswer.goTo("/sign-in")
    }

    /// The fields of a form that this session was given.
    @discardableResult
    private func checkForm(
        _ request: HTTPRequest, _ session: PageSessions.Session
    ) throws(HTTPResponse) -> [String: String] {
        let form = PageForm.fields(request)
        guard let given = form["form_token"], session.formToken.matches(given) else {
            throw PageAnswer.failure(
                403, "This form is not of this session", "Go back, load the page again, and send it once more.")
        }
        return form
    }

    private func signIn(_ request: HTTPRequest) -> HTTPResponse {
        let given = PageForm.fields(request)["token"]?.trimmed ?? ""
        guard let rights = gate.rights(of: given) else { return PageAnswer.signIn(isWrong: true) }
        // A browser says by which way its form came; by TLS, what it gets goes back by TLS alone.
        let isEncrypted =
            request.isEncrypted || request.header("origin")?.lowercased().hasPrefix("https:") == true
        let attributes =
            "HttpOnly; SameSite=Strict; Path=/; Max-Age=\(PageSessions.length.components.seconds)"
            + (isEncrypted ? "; Secure" : "")
        return PageAnswer.goTo(
            "/", cookie: "\(Self.cookieName(request))=\(sessions.begin(rights)); \(attributes)")
    }
}

extension String {
    /// Without spaces around it, which come along when a token is copied.
    fileprivate var trimmed: String {
        String(drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }
}

/// The fields of a form that was sent.
enum PageForm {
    /// By name, decoded; none when the body is no form. Of a name given twice the last.
    static func fields(_ request: HTTPRequest) -> [String: String] {
        let type = request.header("content-type") ?? ""
        guard type.lowercased().hasPrefix("application/x-www-form-urlencoded"),
            let text = String(validating: request.body, as: UTF8.self)
        else { return [:] }
        var fields: [String: String] = [:]
        for item in text.split(separator: "&") {
            let sides = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = decoded(sides[0]), let value = decoded(sides.count == 2 ? sides[1] : "") else {
                return [:]
            }
            fields[name] = value
        }
        return fields
    }

    private static func decoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+"): bytes.append(UInt8(ascii: " "))
            case UInt8(ascii: "%"):
                let digits = rest.prefix(2)
                guard digits.count == 2, let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16) else {
                    return nil
                }
                bytes.append(value)
                rest.removeFirst(2)
            default: bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
