import Platform
import Testing

@testable import WebAPI

/// Only what is clearly one request of bounded size is taken for one.
@Suite struct HTTPRequestTests {
    @Test(arguments: [1, 2, 3, 7, 1_000]) func partsAreFoundHoweverTheyCome(pieces: Int) throws {
        let text =
            "POST /a/b%20c/kpis@4?count=5&name=a+b%26&flag HTTP/1.1\r\nHost: localhost\r\nX-One:  two \t\r\nx-one: three\r\n"
            + "Content-Length: 5\r\n\r\nhello, and what does not belong to it"
        let request = try #require(try Requests.read(text, pieces: pieces)?.get())
        #expect(request.method == "POST")
        #expect(request.path == ["a", "b c", "kpis@4"])
        #expect(request.query == ["count": "5", "name": "a b&", "flag": ""])
        #expect(request.headers["x-one"] == ["two", "three"])
        #expect(request.header("x-one") == nil)
        #expect(request.header("host") == "localhost")
        #expect(request.body == Array("hello".utf8))
    }

    @Test func whatIsNotWholeIsWaitedFor() {
        #expect(Requests.read("GET / HTTP/1.1\r\nHost: a\r\n") == nil)
        #expect(Requests.read("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nab") == nil)
    }

    /// Each could be read in two ways, or is none.
    @Test(arguments: [
        "GET /\r\n\r\n", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "G(T / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", "GET * HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET / HTTP/1.1\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\u{0}\r\n\r\n",
        "GET /%4 HTTP/1.1\r\nHost: a\r\n\r\n", "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /%ff HTTP/1.1\r\nHost: a\r\n\r\n", "GET /%+1 HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \r\n\r\nabc", "\u{16}\u{3}\u{1}\r\n\r\n",
    ]) func whatIsNoRequestIsRefused(text: String) {
        #expect(Requests.status(Requests.read(text)) == 400, "\(text.debugDescription)")
    }

    @Test func otherVersionsAndBodiesInChunksAreRefused() {
        #expect(Requests.status(Requests.read("GET / HTTP/2.0\r\nHost: a\r\n\r\n")) == 505)
        let chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n"
        #expect(Requests.status(Requests.read(chunked)) == 411)
    }

    @Test func sizesAreBounded() {
        let start = "POST / HTTP/1.1\r\nHost: a\r\n"
        let head = { (bytes: Int) in start + "X: " + String(repeating: "x", count: bytes - start.utf8.count - 3) }
        #expect(Requests.status(Requests.read(head(WebLimits.headBytes) + "\r\n\r\n")) == 200)
        #expect(Requests.status(Requests.read(head(WebLimits.headBytes + 1) + "\r\n\r\n")) == 431)
        // Its end never comes.
        #expect(Requests.status(Requests.read(head(WebLimits.headBytes * 2), pieces: 100)) == 431)
        let many = String(repeating: "A: b\r\n", count: WebLimits.headers)
        #expect(Requests.status(Requests.read(start + many + "\r\n")) == 431)
        let body = { (bytes: Int) in start + "Content-Length: \(bytes)\r\n\r\n" }
        let whole = body(WebLimits.bodyBytes) + String(repeating: "b", count: WebLimits.bodyBytes)
        #expect(Requests.status(Requests.read(whole, pieces: 5_000)) == 200)
        // Nothing of it is waited for.
        #expect(Requests.status(Requests.read(body(WebLimits.bodyBytes + 1))) == 413)
        #expect(Requests.status(Requests.read(start + "Content-Length: 99999999999999999999999\r\n\r\n")) == 413)
    }

    /// Whatever comes, however it is cut: it is one and the same request, or refused, and nothing breaks.
    @Test(arguments: 0..<20) func changedBytesBreakNothing(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let sound = "POST /a%20b/c?count=5&x HTTP/1.1\r\nHost: a\r\nX-One: two\r\nContent-Length: 5\r\n\r\nhello"
        let spice = Array("\r\n :%/?&=+\0\t\u{7f}09aZ".utf8) + [0xff, 0xc3]
        for _ in 0..<200 {
            var bytes = Array(sound.utf8)
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                let byte = spice.randomElement(using: &random) ?? 0
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[place] = byte
                case 1: bytes.insert(byte, at: place)
                default: bytes.remove(at: place)
                }
            }
            let pieces = Int.random(in: 1...20, using: &random)
            #expect(Requests.read(bytes, pieces: pieces) == Requests.read(bytes), "seed \(seed): \(bytes)")
        }
    }

    @Test func answersAreComplete() {
        let answer = HTTPResponse.error(405, "method", "expected \"GET\"", headers: ["Allow": "GET"])
        #expect(
            String(decoding: answer.head(), as: UTF8.self)
                == "HTTP/1.1 405 Method Not Allowed\r\nContent-Type: application/json\r\nContent-Length: 56\r\n"
                + "Connection: close\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nAllow: GET\r\n\r\n"
        )
        #expect(
            String(decoding: answer.body, as: UTF8.self)
                == #"{"error":{"code":"method","message":"expected \"GET\""}}"#)
    }
}
