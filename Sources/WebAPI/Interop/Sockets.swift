#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A system call did not do what it was asked.
package struct SystemError: Error, CustomStringConvertible, Sendable {
    let number: Int32
    let reason: String

    /// What went wrong last.
    init() {
        number = errno
        reason = unsafe String(cString: strerror(number))
    }

    /// In words.
    package var description: String { reason }
}

/// Sockets of a listener: no call blocks, and no child process inherits them.
enum Sockets {
    /// How far a call got.
    enum Progress {
        case bytes(Int)
        case blocked
        /// The other side has gone.
        case ended
    }

    /// A socket that listens.
    /// - Throws: `SystemError` when the address is taken, or not this machine's.
    static func listen(at address: ListenAddress) throws(SystemError) -> Int32 {
        var hints = unsafe addrinfo()
        unsafe hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV
        unsafe hints.ai_socktype = streams
        var list: UnsafeMutablePointer<addrinfo>?
        guard unsafe getaddrinfo(address.host, "\(address.port)", &hints, &list) == 0, let found = unsafe list else {
            errno = EADDRNOTAVAIL
            throw SystemError()
        }
        defer { unsafe freeaddrinfo(found) }
        let made = unsafe socket(found.pointee.ai_family, streams, 0)
        guard made >= 0 else { throw SystemError() }
        makePrivate(made)
        var yes: Int32 = 1
        unsafe setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        let isBound = unsafe bind(made, found.pointee.ai_addr, found.pointee.ai_addrlen) == 0
        guard isBound, systemListen(made) else {
            let error = SystemError()
            close(made)
            throw error
        }
        return made
    }

    /// A socket that is connected, and whose calls block for so long at most.
    /// - Throws: `SystemError`.
    static func connect(to address: ListenAddress, seconds: Int) throws(SystemError) -> Int32 {
        var hints = unsafe addrinfo()
        unsafe hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV
        unsafe hints.ai_socktype = streams
        var list: UnsafeMutablePointer<addrinfo>?
        guard unsafe getaddrinfo(address.host, "\(address.port)", &hints, &list) == 0, let found = unsafe list else {
            errno = EADDRNOTAVAIL
            throw SystemError()
        }
        defer { unsafe freeaddrinfo(found) }
        let made = unsafe socket(found.pointee.ai_family, streams, 0)
        guard made >= 0 else { throw SystemError() }
        _ = fcntl(made, F_SETFD, FD_CLOEXEC)
        var patience = timeval(tv_sec: .init(seconds), tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            unsafe setsockopt(made, SOL_SOCKET, option, &patience, socklen_t(MemoryLayout<timeval>.size))
        }
        guard unsafe systemConnect(made, found.pointee.ai_addr, found.pointee.ai_addrlen) == 0 else {
            let error = SystemError()
            close(made)
            throw error
        }
        return made
    }

    private static func systemConnect(
        _ socket: Int32, _ address: UnsafePointer<sockaddr>, _ length: socklen_t
    ) -> Int32 {
        #if canImport(Glibc)
            unsafe Glibc.connect(socket, address, length)
        #elseif canImport(Musl)
            unsafe Musl.connect(socket, address, length)
        #else
            unsafe Darwin.connect(socket, address, length)
        #endif
    }

    private static func systemListen(_ socket: Int32) -> Bool {
        #if canImport(Glibc)
            Glibc.listen(socket, SOMAXCONN) == 0
        #elseif canImport(Musl)
            Musl.listen(socket, SOMAXCONN) == 0
        #else
            Darwin.listen(socket, SOMAXCONN) == 0
        #endif
    }

    private static var streams: Int32 {
        #if canImport(Glibc)
            Int32(SOCK_STREAM.rawValue)
        #else
            SOCK_STREAM
        #endif
    }

    /// The port that a listening socket has.
    static func port(of socket: Int32) -> UInt16 {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            let code = unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe getsockname(socket, $0, &length)
            }
            guard code == 0 else { return 0 }
            // The port stands at the same place in addresses of both families.
            return unsafe pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                unsafe UInt16(bigEndian: $0.pointee.sin_port)
            }
        }
    }

    /// The next client that waits; nil when there is none.
    /// - Throws: `SystemError` when the system has no room for one.
    static func accept(_ listener: Int32) throws(SystemError) -> Int32? {
        #if canImport(Glibc)
            let client = Glibc.accept(listener, nil, nil)
        #elseif canImport(Musl)
            let client = Musl.accept(listener, nil, nil)
        #else
            let client = Darwin.accept(listener, nil, nil)
        #endif
        guard client < 0 else {
            makePrivate(client)
            return client
        }
        if [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(errno) { throw SystemError() }
        return nil
    }

    private static func makePrivate(_ file: Int32) {
        _ = fcntl(file, F_SETFD, FD_CLOEXEC)
        _ = fcntl(file, F_SETFL, O_NONBLOCK)
    }

    /// Reads what is there into the beginning of a buffer.
    static func read(_ socket: Int32, into buffer: inout [UInt8]) -> Progress {
        let count = unsafe recv(socket, &buffer, buffer.count, 0)
        if count > 0 { return .bytes(count) }
        return count < 0 && [EAGAIN, EWOULDBLOCK, EINTR].contains(errno) ? .blocked : .ended
    }

    /// The first byte that waits, which stays; nil with `blocked` or `ended` when there is none.
    static func peek(_ socket: Int32) -> (byte: UInt8?, progress: Progress) {
        var byte: UInt8 = 0
        let count = unsafe recv(socket, &byte, 1, Int32(MSG_PEEK))
        if count > 0 { return (byte, .bytes(1)) }
        return (nil, count < 0 && [EAGAIN, EWOULDBLOCK, EINTR].contains(errno) ? .blocked : .ended)
    }

    /// Writes as many bytes as there is room for, from an index on.
    static func write(_ socket: Int32, _ bytes: [UInt8], from start: Int) -> Progress {
        #if canImport(Darwin)
            let flags: Int32 = 0
        #else
            let flags = Int32(MSG_NOSIGNAL)
        #endif
        let count = unsafe bytes.withUnsafeBytes {
            unsafe send(socket, $0.baseAddress! + start, $0.count - start, flags)
        }
        if count >= 0 { return .bytes(count) }
        return [EAGAIN, EWOULDBLOCK, EINTR].contains(errno) ? .blocked : .ended
    }

    /// Tells the other side that nothing more comes.
    static func endWriting(_ socket: Int32) { _ = shutdown(socket, Int32(SHUT_WR)) }

    /// Closes a socket, or an end of a pipe.
    static func close(_ file: Int32) { _ = systemClose(file) }

    private static func systemClose(_ file: Int32) -> Int32 {
        #if canImport(Glibc)
            Glibc.close(file)
        #elseif canImport(Musl)
            Musl.close(file)
        #else
            Darwin.close(file)
        #endif
    }

    /// What is waited for, and what has happened.
    struct Watched {
        enum Interest {
            case reading, writing
            /// Only that the other side goes away.
            case nothing
        }
        var file: Int32
        var interest: Interest
    }

    /// Waits until something has happened.
    /// - Returns: the indices of those that it happened to; none when the time is over.
    static func wait(for watched: [Watched], milliseconds: Int32) -> [Int] {
        var entries = watched.map { one in
            let events: Int32 =
                switch one.interest {
                case .reading: Int32(POLLIN)
                case .writing: Int32(POLLOUT)
                case .nothing: 0
                }
            return pollfd(fd: one.file, events: Int16(events), revents: 0)
        }
        let count = unsafe poll(&entries, nfds_t(entries.count), milliseconds)
        guard count > 0 else { return [] }
        return entries.indices.filter { entries[$0].revents != 0 }
    }

    /// A pipe whose reading end becomes ready when something is written into the other.
    static func makePipe() throws(SystemError) -> (reading: Int32, writing: Int32) {
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { throw SystemError() }
        ends.forEach(makePrivate)
        return (ends[0], ends[1])
    }

    /// Makes the other end of a pipe ready; one that is full is ready already.
    static func wake(_ pipe: Int32) {
        var byte: UInt8 = 0
        _ = unsafe systemWrite(pipe, &byte)
    }

    private static func systemWrite(_ file: Int32, _ byte: UnsafePointer<UInt8>) -> Int {
        #if canImport(Glibc)
            unsafe Glibc.write(file, byte, 1)
        #elseif canImport(Musl)
            unsafe Musl.write(file, byte, 1)
        #else
            unsafe Darwin.write(file, byte, 1)
        #endif
    }

    /// Takes all that was written into a pipe.
    static func drain(_ pipe: Int32) {
        var buffer = [UInt8](repeating: 0, count: 256)
        while systemRead(pipe, &buffer) == buffer.count {}
    }

    /// What is there of a file, a pipe or a socket, at most as much as the buffer takes; -1 with `errno`.
    static func systemRead(_ file: Int32, _ buffer: inout [UInt8]) -> Int {
        #if canImport(Glibc)
            unsafe Glibc.read(file, &buffer, buffer.count)
        #elseif canImport(Musl)
            unsafe Musl.read(file, &buffer, buffer.count)
        #else
            unsafe Darwin.read(file, &buffer, buffer.count)
        #endif
    }

    /// Whether a text is an address of IPv4 or IPv6, without brackets.
    static func isAddress(_ text: String) -> Bool {
        var address = in6_addr()
        return unsafe withUnsafeMutableBytes(of: &address) { bytes in
            let place = bytes.baseAddress
            return unsafe inet_pton(AF_INET, text, place) == 1 || inet_pton(AF_INET6, text, place) == 1
        }
    }
}
