import Glibc

/// The connections of a ``FaultProxy`` and the faults that wait for them. Sockets never block.
struct ProxyState: ~Copyable {
    /// Bytes read but not yet written, per direction; more are left in the sender's socket.
    private static let bufferBytesMax = 65_536

    /// One direction of a connection.
    private struct Stream {
        var source: Int32
        var sink: Int32
        var pending: [UInt8] = []
        var isSourceAtEnd = false
        var isSinkClosed = false
        /// The last bytes that passed, in which a pattern may have begun.
        var tail: [UInt8] = []

        var wantsInput: Bool { !isSourceAtEnd && pending.count < bufferBytesMax }
        var isDone: Bool { isSourceAtEnd && pending.isEmpty }
    }

    private struct Link {
        var upstream: Stream
        var downstream: Stream
        /// What waits for the server's answer in this connection.
        var awaited: FaultProxy.Trigger?
    }

    let port: UInt16
    let targetPort: UInt16
    var isStalled = false
    private(set) var isStopped = false
    private(set) var acceptedCount = 0
    private var listener: Int32?
    private var links: [Int32: Link] = [:]
    private var trigger: FaultProxy.Trigger?

    init(port: UInt16, targetPort: UInt16, listener: Int32) {
        self.port = port
        self.targetPort = targetPort
        self.listener = listener
    }

    deinit {
        for link in links.values { for socket in [link.upstream.source, link.upstream.sink] { Glibc.close(socket) } }
        if let listener { Glibc.close(listener) }
    }

    var connectionCount: Int { links.count }
    var isArmed: Bool { trigger != nil || links.values.contains { $0.awaited != nil } }

    // MARK: - Commands

    mutating func cutAll(orderly: Bool) {
        for client in links.keys { cut(client, orderly: orderly) }
    }

    mutating func refuse(_ isRefusing: Bool) {
        if isRefusing {
            if let listener { Glibc.close(listener) }
            listener = nil
        } else if listener == nil {
            listener = Loopback.listen(port: port)?.socket
        }
    }

    mutating func arm(_ trigger: FaultProxy.Trigger?) {
        self.trigger = trigger
        if trigger == nil { for client in links.keys { links[client]?.awaited = nil } }
    }

    mutating func stop() {
        isStopped = true
        cutAll(orderly: true)
        refuse(true)
    }

    // MARK: - The thread's steps

    /// What to wait for. Errors and hang-ups are always reported by the system.
    mutating func interests() -> [SocketInterest] {
        var interests: [Int32: SocketInterest] = [:]
        if let listener { interests[listener] = SocketInterest(socket: listener, reading: true) }
        if isStalled { return Array(interests.values) }
        for link in links.values {
            for stream in [link.upstream, link.downstream] {
                if stream.wantsInput {
                    interests[stream.source, default: SocketInterest(socket: stream.source)].reading = true
                }
                if !stream.pending.isEmpty {
                    interests[stream.sink, default: SocketInterest(socket: stream.sink)].writing = true
                }
            }
        }
        return Array(interests.values)
    }

    mutating func serve(_ ready: [Int32]) {
        if let listener, ready.contains(listener) { acceptClients(listener) }
        guard !isStalled else { return }
        let ready = Set(ready)
        for (client, link) in links
        where ready.contains(link.upstream.source) || ready.contains(link.upstream.sink) {
            moveBytes(of: client)
        }
    }

    private mutating func acceptClients(_ listener: Int32) {
        while let client = Loopback.accept(listener) {
            acceptedCount += 1
            guard let server = Loopback.connect(port: targetPort) else {
                Loopback.reset(client)
                continue
            }
            links[client] = Link(
                upstream: Stream(source: client, sink: server), downstream: Stream(source: server, sink: client))
        }
    }

    private mutating func moveBytes(of client: Int32) {
        guard var link = links[client] else { return }
        var isCut = false
        if let bytes = Self.read(&link.upstream) { isCut = request(bytes, &link) }
        if !isCut, let bytes = Self.read(&link.downstream) { isCut = answer(bytes, &link) }
        guard !isCut, Self.write(&link.upstream), Self.write(&link.downstream) else {
            links[client] = link
            return cut(client, orderly: false)
        }
        links[client] = link
        if link.upstream.isDone, link.downstream.isDone { cut(client, orderly: true) }
    }

    /// Takes what the client sent; true when the connection is to be cut.
    private mutating func request(_ bytes: [UInt8], _ link: inout Link) -> Bool {
        guard let trigger, Self.find(trigger.request, in: bytes, &link.upstream.tail) else {
            link.upstream.pending += bytes
            return false
        }
        self.trigger = nil
        switch trigger.moment {
        case .beforeRequest: return true
        case .afterRequest:
            link.upstream.pending += bytes
            Self.writeAll(&link.upstream)
            return true
        case .beforeAnswer, .afterAnswer:
            link.upstream.pending += bytes
            link.downstream.tail = []
            link.awaited = trigger
            return false
        }
    }

    /// Takes what the server sent; true when the connection is to be cut.
    private mutating func answer(_ bytes: [UInt8], _ link: inout Link) -> Bool {
        guard let trigger = link.awaited, Self.find(trigger.answer, in: bytes, &link.downstream.tail) else {
            link.downstream.pending += bytes
            return false
        }
        link.awaited = nil
        if trigger.moment == .afterAnswer {
            link.downstream.pending += bytes
            Self.writeAll(&link.downstream)
        }
        return true
    }

    /// Whether a pattern ends in `bytes`; `tail` carries what came before from call to call.
    private static func find(_ pattern: [UInt8], in bytes: [UInt8], _ tail: inout [UInt8]) -> Bool {
        let window = tail + bytes
        tail = Array(window.suffix(max(0, pattern.count - 1)))
        guard window.count >= pattern.count else { return false }
        return (0...(window.count - pattern.count)).contains { window[$0...].starts(with: pattern) }
    }
}

// MARK: - Sockets

extension ProxyState {
    /// Nil when nothing came.
    private static func read(_ stream: inout Stream) -> [UInt8]? {
        guard stream.wantsInput else { return nil }
        var chunk = [UInt8](repeating: 0, count: bufferBytesMax)
        let count = SocketBytes.receive(stream.source, &chunk)
        switch count {
        case .some(0): stream.isSourceAtEnd = true
        case .some(let count): return Array(chunk[..<count])
        case nil: break
        }
        return nil
    }

    /// Writes what the sink takes, and passes the end of the stream on; false when the sink is gone.
    private static func write(_ stream: inout Stream) -> Bool {
        if !stream.pending.isEmpty {
            guard let count = SocketBytes.send(stream.sink, stream.pending) else { return false }
            stream.pending.removeFirst(count)
        }
        if stream.isDone, !stream.isSinkClosed {
            stream.isSinkClosed = true
            shutdown(stream.sink, Int32(SHUT_WR))
        }
        return true
    }

    /// Writes everything before a cut, if the sink takes it within a second.
    private static func writeAll(_ stream: inout Stream) {
        let deadline = ContinuousClock.now + .seconds(1)
        while !stream.pending.isEmpty, write(&stream), ContinuousClock.now < deadline { usleep(100) }
    }

    private mutating func cut(_ client: Int32, orderly: Bool) {
        guard let link = links.removeValue(forKey: client) else { return }
        for socket in [link.upstream.source, link.upstream.sink] {
            // The thread may wait for these numbers just now. Should they be given out again before it wakes up, it
            // looks at a socket in vain, and none of them blocks.
            if orderly { Glibc.close(socket) } else { Loopback.reset(socket) }
        }
    }
}
