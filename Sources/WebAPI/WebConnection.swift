/// One connection of a listener, by TLS or not.
struct WebConnection {
    enum State {
        /// At a listener with TLS: its first byte tells whether it speaks that.
        case greeting
        case shakingHands
        case reading(HTTPRequestReader)
        case waiting
        /// Pieces that are still to be written, the first from an index on. Behind the last one TLS has its farewell.
        case writing([[UInt8]], from: Int)
        case draining
    }

    let socket: Int32
    /// nil for one that does not speak TLS, or not yet.
    var tls: TLSSession?
    var state: State
    var deadline: ContinuousClock.Instant
    /// Whether only the head of the answer is wanted.
    var isHead = false

    init(_ socket: Int32, speaksTLS: Bool, deadline: ContinuousClock.Instant) {
        self.socket = socket
        self.deadline = deadline
        state = speaksTLS ? .greeting : .reading(HTTPRequestReader())
    }

    /// Whether it has asked for nothing yet.
    var isAsking: Bool {
        switch state {
        case .greeting, .shakingHands, .reading: true
        case .waiting, .writing, .draining: false
        }
    }

    var isDraining: Bool {
        if case .draining = state { true } else { false }
    }

    /// What the socket is waited for.
    var interest: Sockets.Watched.Interest {
        switch state {
        case .greeting, .draining: .reading
        case .shakingHands, .reading: tls?.wish ?? .reading
        case .waiting: .nothing
        case .writing: tls?.wish ?? .writing
        }
    }

    /// Reads what there is of a request.
    func read(into buffer: inout [UInt8]) -> Sockets.Progress {
        tls?.read(into: &buffer) ?? Sockets.read(socket, into: &buffer)
    }

    /// Writes a piece of an answer, from an index on.
    func write(_ piece: [UInt8], from start: Int) -> Sockets.Progress {
        tls?.write(piece, from: start) ?? Sockets.write(socket, piece, from: start)
    }

    /// Tells the other side that nothing more comes.
    /// - Returns: false when the socket has no room for that yet.
    func endWriting() -> Bool {
        guard tls?.endWriting() ?? true else { return false }
        Sockets.endWriting(socket)
        return true
    }
}
