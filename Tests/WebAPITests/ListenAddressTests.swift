import Testing

@testable import WebAPI

/// What may stand behind `--listen`.
@Suite struct ListenAddressTests {
    @Test func aPortAloneMeansLoopback() {
        #expect(ListenAddress("8484") == ListenAddress(host: "127.0.0.1", port: 8484))
        #expect(ListenAddress("localhost:0") == ListenAddress(host: "127.0.0.1", port: 0))
        #expect(ListenAddress("[::1]:1") == ListenAddress(host: "::1", port: 1))
        #expect(ListenAddress("0.0.0.0:65535") == ListenAddress(host: "0.0.0.0", port: 65_535))
        #expect(ListenAddress("[::1]:80")?.description == "[::1]:80")
        #expect(ListenAddress("127.0.0.1:80")?.description == "127.0.0.1:80")
    }

    @Test(arguments: [
        "", ":80", "65536", "-1", "+80", "a", "::1", "::1:80", "[127.0.0.1]:80", "host:80", "127.0.0.1:", "[::1]",
    ])
    func nothingElseDoes(text: String) {
        #expect(ListenAddress(text) == nil)
    }

    @Test func loopbackIsTold() {
        for text in ["1", "127.3.2.1:1", "[::1]:1"] { #expect(ListenAddress(text)?.isLoopback == true, "\(text)") }
        for text in ["0.0.0.0:1", "10.0.0.1:1", "[::]:1"] {
            #expect(ListenAddress(text)?.isLoopback == false, "\(text)")
        }
    }
}
