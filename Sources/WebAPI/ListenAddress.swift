/// Where to listen: an address of this machine and a port.
package struct ListenAddress: Sendable, Equatable, CustomStringConvertible {
    /// An address of IPv4, or of IPv6 without brackets.
    package var host: String
    /// 0 for one that is free.
    package var port: UInt16

    /// An address of its parts.
    package init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// `8484`, which means loopback, `127.0.0.1:8484`, `localhost:8484`, `[::1]:8484`; nil for anything else.
    package init?(_ text: String) {
        var host = "127.0.0.1"
        var digits = Substring(text)
        if let colon = text.lastIndex(of: ":") {
            digits = text[text.index(after: colon)...]
            var before = text[..<colon]
            if before.hasPrefix("["), before.hasSuffix("]") {
                before = before.dropFirst().dropLast()
                guard before.contains(":") else { return nil }
            } else if before.contains(":") {
                return nil
            }
            host = before == "localhost" ? "127.0.0.1" : String(before)
        }
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (48...57).contains($0) }), let port = UInt16(digits),
            Sockets.isAddress(host)
        else { return nil }
        self.init(host: host, port: port)
    }

    /// Whether only this machine reaches it.
    package var isLoopback: Bool { host.hasPrefix("127.") || host == "::1" }

    /// As it stands in a URL.
    package var description: String { (host.contains(":") ? "[\(host)]" : host) + ":\(port)" }
}
