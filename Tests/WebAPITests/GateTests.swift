import Testing

@testable import WebAPI

/// Who may ask what.
@Suite struct GateTests {
    private static let reading = [
        "/api/v1/openapi.json", "/api/v1/topologies", "/api/v1/topologies/kpis", "/api/v1/topologies/kpis/versions",
        "/api/v1/topologies/kpis/log", "/api/v1/topologies/kpis/why", "/api/v1/topologies/kpis/dead-letters",
        "/api/v1/topologies/kpis/replay", "/api/v1/processes",
    ]
    private static let acting = ["pause", "resume", "restart", "replay"].map { "/api/v1/topologies/kpis/\($0)" }

    @Test func eachPathMeansItsOperation() throws {
        let expected: [(String, String, WebOperation)] = [
            ("GET", "/metrics", .metrics), ("GET", "/health", .health), ("GET", "/ready", .ready),
            ("GET", "/api/v1/openapi.json", .document), ("GET", "/api/v1/topologies", .topologies),
            ("GET", "/api/v1/topologies/kpis", .topology("kpis")),
            ("GET", "/api/v1/topologies/kpis@4/versions", .versions("kpis@4")),
            ("GET", "/api/v1/topologies/kpis/log", .log("kpis", count: 100)),
            ("GET", "/api/v1/topologies/kpis/log?count=7", .log("kpis", count: 7)),
            ("GET", "/api/v1/topologies/a%2Fb/why", .why("a/b")),
            ("HEAD", "/api/v1/topologies/kpis/dead-letters", .deadLetters("kpis")),
            ("GET", "/api/v1/processes", .processes),
            ("POST", "/api/v1/topologies/kpis/pause", .pause("kpis")),
            ("POST", "/api/v1/topologies/kpis/resume", .resume("kpis")),
            ("POST", "/api/v1/topologies/kpis/restart", .restart("kpis")),
            ("POST", "/api/v1/topologies/kpis/replay", .replay("kpis", LetterGroup(), isRehearsal: false)),
            (
                "POST", "/api/v1/topologies/kpis/replay?cause=wrong_type&node=a+b&field=n&rehearse=true",
                .replay("kpis", LetterGroup(cause: "wrong_type", node: "a b", field: "n"), isRehearsal: true)
            ),
            ("GET", "/api/v1/topologies/kpis/replay", .lastReplay("kpis")),
        ]
        for (method, path, operation) in expected {
            #expect(try Requests.admit(method, path).get() == operation, "\(path)")
        }
    }

    @Test(arguments: [
        "/", "//metrics", "/metrics/", "/api", "/api/v1/topologies/", "/api/v1/topologies/a/b", "/favicon.ico",
    ])
    func nothingIsElsewhere(path: String) {
        #expect(Requests.status(Requests.admit("GET", path)) == 404)
    }

    @Test func otherMethodsAreRefused() {
        for (method, path, allow) in [
            ("POST", "/metrics", "GET, HEAD"), ("GET", Self.acting[0], "POST"),
            ("PUT", Self.acting[3], "POST, GET, HEAD"),
            ("DELETE", Self.reading[2], "GET, HEAD"),
            ("get", "/health", "GET, HEAD"),
        ] {
            guard case .failure(let answer) = Requests.admit(method, path) else {
                Issue.record("\(method) \(path) is admitted")
                continue
            }
            #expect(answer.status == 405)
            #expect(answer.headers["Allow"] == allow)
        }
    }

    @Test(arguments: ["0", "1001", "-1", "x", ""]) func countsAreBounded(count: String) {
        #expect(Requests.status(Requests.admit("GET", "/api/v1/topologies/kpis/log?count=\(count)")) == 400)
    }

    @Test(arguments: ["yes", "1", "", "True"]) func aRehearsalIsTrueOrFalse(word: String) {
        guard case .failure(let answer) = Requests.admit("POST", "/api/v1/topologies/kpis/replay?rehearse=\(word)")
        else {
            Issue.record("\(word) is taken")
            return
        }
        #expect(answer.status == 400 && String(decoding: answer.body, as: UTF8.self).contains("bad-rehearse"))
    }

    @Test func aTapIsWhatIsAskedFor() throws {
        let path = "/api/v1/topologies/kpis/tap"
        var query = TapQuery(topology: "kpis", node: "a b")
        #expect(try Requests.admit("GET", path + "?node=a+b").get() == .tap(query))
        (query.rate, query.mask, query.show, query.after) = (100, ["x", "y"], ["z"], 7)
        #expect(
            try Requests.admit("GET", path + "?node=a+b&rate=100&mask=x,y&show=z&after=7").get() == .tap(query))
        for wrong in ["", "?node=", "?node=a&rate=0", "?node=a&rate=101", "?node=a&rate=x", "?node=a&after=-1"] {
            guard case .failure(let answer) = Requests.admit("GET", path + wrong) else {
                Issue.record("\(wrong) is taken")
                continue
            }
            #expect(answer.status == 400 && String(decoding: answer.body, as: UTF8.self).contains("bad-tap"))
        }
        // Records are not for everybody who may look.
        #expect(Requests.status(Requests.admit("GET", path + "?node=a", token: nil)) == 401)
        #expect(Requests.status(Requests.admit("GET", path + "?node=a", token: Requests.readToken)) == 403)
    }

    @Test func tokensOpenWhatTheyAreFor() {
        for path in ["/metrics", "/health", "/ready"] {
            #expect(Requests.status(Requests.admit("GET", path, token: nil)) == 200, "\(path)")
        }
        let wrong = [
            nil, "", String(repeating: "a", count: 63), String(repeating: "a", count: 65),
            String(repeating: "a", count: 63) + "b",
            String(repeating: "a", count: 128), "\(Requests.token) \(Requests.token)",
        ]
        for (method, path) in Self.reading.map({ ("GET", $0) }) + Self.acting.map({ ("POST", $0) }) {
            #expect(Requests.status(Requests.admit(method, path)) == 200, "\(path)")
            for token in wrong {
                guard case .failure(let answer) = Requests.admit(method, path, token: token) else {
                    Issue.record("\(path) is open to \(token ?? "everybody")")
                    continue
                }
                #expect(answer.status == 401)
                #expect(answer.headers["WWW-Authenticate"]?.hasPrefix("Bearer") == true)
                #expect(!String(decoding: answer.body, as: UTF8.self).contains("aaa"))
            }
            let reader = Requests.status(Requests.admit(method, path, token: Requests.readToken))
            #expect(reader == (method == "GET" ? 200 : 403), "\(path)")
        }
        #expect(
            Requests.status(
                Requests.admit("GET", Self.reading[1], token: nil, "Authorization: Basic \(Requests.token)")) == 401)
        // Which of the two would hold?
        #expect(
            Requests.status(
                Requests.admit("GET", Self.reading[1], "Authorization: Bearer \(Requests.token)")) == 401)
    }

    @Test func namesThatAreNotOursAreRefused() {
        for host in [
            "localhost", "LOCALHOST:8484", "127.0.0.1:8484", "10.1.2.3", "[::1]:8484", "[fe80::1]", "kpis.example",
            "KPIS.example:80",
        ] {
            #expect(Requests.status(Requests.admit("GET", "/health", token: nil, "Host: \(host)")) == 200, "\(host)")
        }
        for host in [
            "", "evil.example", "localhost.evil.example", "evil.example:8484", "127.0.0.1.evil.example",
            "localhost:evil", "localhost:+80", "[::1", "[::1]evil", "[localhost.]", "0x7f.1", "user@localhost", "::1",
        ] {
            #expect(Requests.status(Requests.admit("GET", "/health", token: nil, "Host: \(host)")) == 403, "\(host)")
        }
    }

    @Test func aPageThatCameByTLSNamesThat() throws {
        for (origin, isOwn) in [("https://localhost:8484", true), ("http://localhost:8484", false)] {
            let text =
                "POST /api/v1/topologies/kpis/pause HTTP/1.1\r\nHost: localhost:8484\r\nOrigin: \(origin)\r\n"
                + "Authorization: Bearer \(Requests.token)\r\n\r\n"
            var request = try #require(try Requests.read(text)?.get())
            request.isEncrypted = true
            #expect((try? Requests.gate.admit(request)) == (isOwn ? .pause("kpis") : nil))
        }
    }

    @Test func pagesOfOtherSitesAreRefused() {
        let path = Self.acting[0]
        for origin in ["http://localhost:8484", "HTTP://LocalHost:8484", "https://localhost:8484"] {
            #expect(Requests.status(Requests.admit("POST", path, "Origin: \(origin)")) == 200, "\(origin)")
        }
        for origin in [
            "null", "", "http://localhost", "http://localhost:3000", "http://evil.example", "localhost:8484",
        ] {
            #expect(Requests.status(Requests.admit("POST", path, "Origin: \(origin)")) == 403, "\(origin)")
        }
        #expect(
            Requests.status(
                Requests.admit("POST", path, "Origin: http://localhost:8484", "Origin: http://evil.example")) == 403)
    }
}
