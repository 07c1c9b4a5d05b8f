import Testing
import WebAPI

@testable import WebPage

/// Who may see the page, and who may do something there.
@Suite struct PageGateTests {
    private static let token = String(repeating: "a", count: 64)
    private static let readToken = String(repeating: "b", count: 64)
    private let gate = PageGate(Gate(token: Token(token), readToken: Token(readToken), hosts: ["kpis.example"]))

    private func request(
        _ method: String, _ path: [String], cookie: String? = nil, form: String? = nil,
        _ headers: [String: String] = [:]
    ) -> HTTPRequest {
        var all = ["host": ["localhost:8484"]]
        if let cookie { all["cookie"] = ["other=1; millrace_8484=\(cookie)"] }
        if form != nil { all["content-type"] = ["application/x-www-form-urlencoded"] }
        for (name, value) in headers { all[name] = [value] }
        return HTTPRequest(method: method, path: path, headers: all, body: Array((form ?? "").utf8))
    }

    private func answer(_ outcome: PageGate.Outcome?) throws -> HTTPResponse {
        guard case .answer(let response) = outcome else {
            Issue.record("expected an answer, found \(String(describing: outcome))")
            throw HTTPResponse.error(500, "test", "no answer")
        }
        return response
    }

    /// Signs in.
    private func cookie(_ token: String) throws -> String {
        let response = try answer(gate.admit(request("POST", ["sign-in"], form: "token=+\(token)%0A")))
        #expect(response.status == 303)
        let header = try #require(response.headers["Set-Cookie"])
        #expect(!header.contains(token))
        for attribute in ["HttpOnly", "SameSite=Strict", "Path=/"] { #expect(header.contains(attribute)) }
        return try #require(header.firstMatch(of: /^millrace_8484=([0-9a-f]{64});/).map { String($0.output.1) })
    }

    @Test func whoComesByTLSGetsACookieForTLS() throws {
        func attributes(_ origin: String) throws -> String {
            let form = request(
                "POST", ["sign-in"], form: "token=\(Self.token)", ["host": "kpis.example", "origin": origin])
            return try #require(try answer(gate.admit(form)).headers["Set-Cookie"])
        }
        #expect(try attributes("https://kpis.example").hasSuffix("; Secure"))
        #expect(try !attributes("http://kpis.example").contains("Secure"))
        // By the listener's own TLS, whatever the browser says.
        var form = request("POST", ["sign-in"], form: "token=\(Self.token)")
        form.isEncrypted = true
        #expect(try #require(try answer(gate.admit(form)).headers["Set-Cookie"]).hasSuffix("; Secure"))
    }

    /// What the forms of a session carry.
    private func formToken(_ cookie: String) throws -> String {
        guard case .show(let shown) = gate.admit(request("GET", [""], cookie: cookie)) else {
            throw HTTPResponse.error(500, "test", "the overview is not shown")
        }
        return shown.viewer.formToken
    }

    @Test func othersPathsAreNotThePages() {
        for path in [["metrics"], ["api", "v1", "topologies"], ["favicon.ico"], [], ["topologies", "", "why"]] {
            #expect(gate.admit(request("GET", path)) == nil, "\(path)")
        }
        for path in [["topologies", "a", "b"], ["topologies", "a", "why", "x"], ["topologies"]] {
            #expect(gate.admit(request("GET", path)) == nil, "\(path)")
        }
    }

    @Test func nobodySeesAnythingWithoutSigningIn() throws {
        for path in [[""], ["topologies", "kpis"], ["topologies", "kpis", "dead-letters"]] {
            for cookie in [nil, "", Self.token, String(repeating: "0", count: 64)] {
                let response = try answer(gate.admit(request("GET", path, cookie: cookie)))
                #expect(response.status == 303 && response.headers["Location"] == "/sign-in", "\(path)")
            }
        }
        #expect(try answer(gate.admit(request("POST", ["topologies", "kpis", "pause"]))).status == 401)
        for wrong in ["", "token=", "token=\(Self.token)x", "token=%zz", "other=\(Self.token)"] {
            let response = try answer(gate.admit(request("POST", ["sign-in"], form: wrong)))
            #expect(response.status == 401 && response.headers["Set-Cookie"] == nil, "\(wrong)")
        }
        // A page of another site may not sign somebody in either.
        let foreign = request("POST", ["sign-in"], form: "token=\(Self.token)", ["origin": "http://evil.example"])
        #expect(try answer(gate.admit(foreign)).status == 403)
        let asText = request("POST", ["sign-in"], form: "token=\(Self.token)", ["content-type": "text/plain"])
        #expect(try answer(gate.admit(asText)).status == 401)
    }

    @Test func whoHasSignedInSeesAllOfIt() throws {
        for (token, mayAct) in [(Self.token, true), (Self.readToken, false)] {
            let cookie = try cookie(token)
            for view in PageView.allCases {
                let path = view == .overview ? [""] : ["topologies", "a/b"] + (view.segment.map { [$0] } ?? [])
                guard case .show(let shown) = gate.admit(request("GET", path, cookie: cookie)) else {
                    Issue.record("\(view) is not shown")
                    continue
                }
                #expect(shown.view == view && shown.viewer.mayAct == mayAct)
                #expect(shown.topology == (view == .overview ? "" : "a/b"))
            }
            // Signed in at another port is not signed in at this one.
            let other = request("GET", [""], cookie: cookie, ["host": "localhost:9000"])
            #expect(try answer(gate.admit(other)).status == 303)
            let out = request("POST", ["sign-out"], cookie: cookie, form: "form_token=\(try formToken(cookie))")
            #expect(try answer(gate.admit(out)).headers["Location"] == "/sign-in")
            #expect(try answer(gate.admit(request("GET", [""], cookie: cookie))).status == 303)
        }
    }

    @Test(arguments: PageActionKind.allCases) func actingWantsMoreThanACookie(kind: PageActionKind) throws {
        let path = ["topologies", "kpis", kind.rawValue]
        let (cookie, other, reader) = (try cookie(Self.token), try cookie(Self.token), try cookie(Self.readToken))
        let form = "form_token=\(try formToken(cookie))&cause=a+b%26"
        guard case .act(let action) = gate.admit(request("POST", path, cookie: cookie, form: form)) else {
            Issue.record("\(kind) is refused")
            return
        }
        #expect(action.kind == kind && action.topology == "kpis" && action.form["cause"] == "a b&")

        let refused: [(String, HTTPRequest)] = [
            ("no form", request("POST", path, cookie: cookie)),
            ("no token", request("POST", path, cookie: cookie, form: "cause=a")),
            ("an empty token", request("POST", path, cookie: cookie, form: "form_token=")),
            ("another session's", request("POST", path, cookie: other, form: form)),
            ("no form by its type", request("POST", path, cookie: cookie, form: form, ["content-type": "text/plain"])),
            ("another site", request("POST", path, cookie: cookie, form: form, ["origin": "http://evil.example"])),
            ("no site", request("POST", path, cookie: cookie, form: form, ["origin": "null"])),
            ("another host", request("POST", path, cookie: cookie, form: form, ["host": "evil.example"])),
            (
                "the token that may only look",
                request("POST", path, cookie: reader, form: "form_token=\(try formToken(reader))")
            ),
        ]
        for (what, request) in refused {
            let response = try answer(gate.admit(request))
            #expect(response.status == 403, "\(what): \(response.status)")
        }
        #expect(try answer(gate.admit(request("GET", path, cookie: cookie))).status == 405)
    }

    @Test func sessionsEndAndAreBounded() {
        let sessions = PageSessions()
        let now = ContinuousClock.now
        let first = sessions.begin(.read, at: now)
        #expect(sessions.find(first, at: now)?.rights == .read)
        #expect(sessions.find(first, at: now + PageSessions.length - .seconds(1)) != nil)
        #expect(sessions.find(first, at: now + PageSessions.length) == nil)
        for _ in 0..<PageSessions.sessionsMax { _ = sessions.begin(.act, at: now) }
        #expect(sessions.find(first, at: now) == nil)
    }

    @Test func pagesRunNothingFromElsewhere() throws {
        let response = try answer(gate.admit(request("GET", ["sign-in"])))
        let policy = try #require(response.headers["Content-Security-Policy"])
        #expect(policy.hasPrefix("default-src 'none';"))
        #expect(!policy.contains("unsafe") && !policy.contains("*") && !policy.contains("http"))
        for directive in ["frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"] {
            #expect(policy.contains(directive))
        }
        let text = String(decoding: response.body, as: UTF8.self)
        #expect(text.contains("href=\"/assets/page.css?"))
        #expect(!text.contains("style=") && !text.contains("<style") && !text.contains("onclick"))
        for asset in PageAssets.all {
            let found = try answer(gate.admit(request("GET", ["assets", asset.name])))
            #expect(found.status == 200 && found.body == asset.content && found.contentType == asset.type)
        }
        #expect(try answer(gate.admit(request("GET", ["assets", "../token"]))).status == 404)
        // All that a browser loads beside the markup.
        #expect(PageAssets.all.reduce(0) { $0 + $1.content.count } <= 100 << 10)
    }
}
