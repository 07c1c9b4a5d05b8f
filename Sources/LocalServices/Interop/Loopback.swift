import Glibc

/// TCP sockets on 127.0.0.1.
enum Loopback {
    /// A listening, non-blocking socket and its port; nil when the port is taken. 0 picks a free one.
    static func listen(port: UInt16) -> (socket: Int32, port: UInt16)? {
        let socket = makeSocket()
        guard socket >= 0 else { return nil }
        var yes: Int32 = 1
        unsafe setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        var address = makeAddress(port)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = unsafe withGeneric(&address) { unsafe bind(socket, $0, length) } == 0
        guard isBound, Glibc.listen(socket, 64) == 0,
            unsafe withGeneric(&address, { unsafe getsockname(socket, $0, &length) }) == 0
        else {
            close(socket)
            return nil
        }
        return (socket, UInt16(bigEndian: address.sin_port))
    }

    /// A port that was free a moment ago.
    static func freePort() -> UInt16? {
        guard let (socket, port) = listen(port: 0) else { return nil }
        close(socket)
        return port
    }

    /// A socket that is connected or about to be; nil when the port refuses at once.
    static func connect(port: UInt16) -> Int32? {
        let socket = makeSocket()
        guard socket >= 0 else { return nil }
        var address = makeAddress(port)
        let length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = unsafe withGeneric(&address) { unsafe Glibc.connect(socket, $0, length) }
        guard code == 0 || errno == EINPROGRESS else {
            close(socket)
            return nil
        }
        return socket
    }

    /// The next waiting client, non-blocking; nil when there is none.
    static func accept(_ listener: Int32) -> Int32? {
        let socket = Glibc.accept(listener, nil, nil)
        guard socket >= 0 else { return nil }
        _ = fcntl(socket, F_SETFD, FD_CLOEXEC)
        _ = fcntl(socket, F_SETFL, O_NONBLOCK)
        return socket
    }

    /// Closes so that the peer sees a reset instead of an orderly end.
    static func reset(_ socket: Int32) {
        var value = linger(l_onoff: 1, l_linger: 0)
        unsafe setsockopt(socket, SOL_SOCKET, SO_LINGER, &value, socklen_t(MemoryLayout<linger>.size))
        close(socket)
    }

    private static func makeSocket() -> Int32 {
        let kind = SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue
        return socket(AF_INET, Int32(kind), 0)
    }

    private static func makeAddress(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }

    private static func withGeneric(
        _ address: inout sockaddr_in, _ body: (UnsafeMutablePointer<sockaddr>) -> Int32
    ) -> Int32 {
        unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe body($0) }
        }
    }
}
