/// The connections of a listener, on its thread.
///
/// ```
///   accepted ──► reading ──request──► waiting ──answer──► writing ──► draining ──► closed
///                ▲  └──refused──────────────────────────────▲            ▲
///   with TLS:    │                                          │            │
///   accepted ──► greeting ──► shaking hands ──failed────────┼────────────┘
///                   └──another protocol (an answer without TLS, to HTTP)─┘
/// ```
/// Each state has a deadline. At it, `waiting` becomes an answer that says so, and the others are closed.
struct WebConnections: ~Copyable {
    private let mailbox: Mailbox
    /// nil where nothing is encrypted.
    private let keeper: TLSKeeper?
    private let handler: WebListener.Handler
    /// nil at the end.
    private var listener: Int32?
    private var connections: [UInt64: WebConnection] = [:]
    private var lastNumber: UInt64 = 0
    /// The system had no room: until then, nobody is accepted.
    private var pauseEnd: ContinuousClock.Instant?
    private var buffer = [UInt8](repeating: 0, count: 16 << 10)

    init(listener: Int32, keeper: TLSKeeper?, mailbox: Mailbox, handler: @escaping WebListener.Handler) {
        self.listener = listener
        self.keeper = keeper
        self.mailbox = mailbox
        self.handler = handler
    }

    /// Until the mailbox says stop, and a little longer for answers on their way.
    mutating func run() {
        if keeper != nil { TLSSession.shield() }
        while listener != nil || !connections.isEmpty {
            keeper?.look()
            wait()
            let (answers, isStopping) = mailbox.take()
            for (number, response) in answers { answer(number, response) }
            if isStopping { stop() }
            expire()
        }
    }

    /// Waits until something happens, and does what that asks for.
    private mutating func wait() {
        var watched = [Sockets.Watched(file: mailbox.signal, interest: .reading)]
        let now = ContinuousClock.now
        if let end = pauseEnd, now >= end { pauseEnd = nil }
        var end = pauseEnd ?? now + .seconds(60)
        let accepting = pauseEnd == nil ? listener : nil
        if let accepting { watched.append(Sockets.Watched(file: accepting, interest: .reading)) }
        let first = watched.count
        let numbers = Array(connections.keys)
        for number in numbers {
            guard let connection = connections[number] else { continue }
            watched.append(Sockets.Watched(file: connection.socket, interest: connection.interest))
            end = min(end, connection.deadline)
        }
        let time = max(1, Int32(clamping: Int64((end - now) / .milliseconds(1)) + 1))
        for index in Sockets.wait(for: watched, milliseconds: time) {
            if index >= first {
                move(numbers[index - first])
            } else if index > 0, let accepting {
                accept(accepting)
            }
        }
    }

    private mutating func accept(_ listener: Int32) {
        for _ in 0..<WebLimits.acceptsInARow {
            do {
                guard let socket = try Sockets.accept(listener) else { return }
                guard connections.count < WebLimits.connections || makeRoom() else {
                    Sockets.close(socket)
                    continue
                }
                lastNumber += 1
                connections[lastNumber] = WebConnection(
                    socket, speaksTLS: keeper != nil, deadline: .now + WebLimits.patience)
            } catch {
                // Without a pause, the client that waits would wake this thread for ever.
                if !makeRoom() { pauseEnd = .now + WebLimits.pause }
                return
            }
        }
    }

    /// Ends the oldest connection that has not asked for anything yet, or else the oldest that only has to hang up.
    private mutating func makeRoom() -> Bool {
        let oldest =
            connections.filter(\.value.isAsking).keys.min() ?? connections.filter(\.value.isDraining).keys.min()
        guard let oldest else { return false }
        close(oldest)
        return true
    }

    private mutating func close(_ number: UInt64) {
        guard let connection = connections.removeValue(forKey: number) else { return }
        Sockets.close(connection.socket)
    }

    /// Something has happened to a connection.
    private mutating func move(_ number: UInt64) {
        guard let connection = connections[number] else { return }
        switch connection.state {
        case .greeting: greet(number, connection.socket)
        case .shakingHands: shakeHands(number)
        case .reading: read(number)
        case .waiting: close(number)
        case .writing: write(number)
        case .draining:
            if case .ended = Sockets.read(connection.socket, into: &buffer) { close(number) }
        }
    }

    /// What the first byte of a connection to a listener with TLS says.
    private mutating func greet(_ number: UInt64, _ socket: Int32) {
        let (byte, progress) = Sockets.peek(socket)
        if case .blocked = progress { return }
        switch byte {
        case 22:  // A record of a handshake.
            guard let keeper, let session = keeper.context.session(socket) else { return close(number) }
            connections[number]?.tls = session
            connections[number]?.state = .shakingHands
            shakeHands(number)
        case (UInt8(ascii: "A")...UInt8(ascii: "Z"))?:  // The method of a request.
            connections[number]?.state = .waiting
            connections[number]?.isHead = byte == UInt8(ascii: "H")
            answer(number, .plain)
        case nil: close(number)
        default:
            keeper?.complain("another protocol than TLS")
            close(number)
        }
    }

    private mutating func shakeHands(_ number: UInt64) {
        switch connections[number]?.tls?.shakeHands() {
        case .done: connections[number]?.state = .reading(HTTPRequestReader())
        case .blocked, nil: break
        case .failed(let reason):
            keeper?.complain(reason)
            // The reason is on its way to the other side, and closing at once might take it away.
            part(number)
        }
    }

    private mutating func part(_ number: UInt64) {
        guard let connection = connections[number] else { return }
        Sockets.endWriting(connection.socket)
        connections[number]?.tls = nil
        connections[number]?.state = .draining
        connections[number]?.deadline = .now + WebLimits.farewell
    }

    private mutating func read(_ number: UInt64) {
        repeat {
            guard case .reading(var reader)? = connections[number]?.state,
                let progress = connections[number]?.read(into: &buffer)
            else { return }
            switch progress {
            case .blocked: return
            case .ended: return close(number)
            case .bytes(let count):
                // So that what the reader has is not copied.
                connections[number]?.state = .waiting
                switch reader.take(buffer[..<count]) {
                case .incomplete: connections[number]?.state = .reading(reader)
                case .refused(let response): answer(number, response)
                case .request(let request): ask(number, request)
                }
            }
        } while connections[number]?.tls?.hasPending == true
    }

    private mutating func ask(_ number: UInt64, _ request: HTTPRequest) {
        var request = request
        request.isEncrypted = connections[number]?.tls != nil
        connections[number]?.isHead = request.method == "HEAD"
        connections[number]?.deadline = .now + WebLimits.answer
        handler(request, WebListener.reply(mailbox, number))
    }

    /// Begins to send an answer; one that comes too late finds another state, or no connection.
    private mutating func answer(_ number: UInt64, _ response: HTTPResponse) {
        guard let connection = connections[number], case .waiting = connection.state else { return }
        let pieces = [response.head()] + (connection.isHead || response.body.isEmpty ? [] : [response.body])
        connections[number]?.state = .writing(pieces, from: 0)
        connections[number]?.deadline = .now + (listener == nil ? WebLimits.parting : WebLimits.patience)
        write(number)
    }

    private mutating func write(_ number: UInt64) {
        guard let connection = connections[number], case .writing(var pieces, var start) = connection.state else {
            return
        }
        while let piece = pieces.first {
            switch connection.write(piece, from: start) {
            case .blocked:
                connections[number]?.state = .writing(pieces, from: start)
                return
            case .ended: return close(number)
            case .bytes(let count):
                start += count
                if start == piece.count {
                    pieces.removeFirst()
                    start = 0
                }
            }
        }
        guard connection.endWriting() else {
            connections[number]?.state = .writing([], from: 0)
            return
        }
        connections[number]?.state = .draining
        connections[number]?.deadline = .now + WebLimits.farewell
    }

    private mutating func expire() {
        let now = ContinuousClock.now
        for (number, connection) in connections where connection.deadline <= now {
            if case .waiting = connection.state {
                answer(number, .tooLate)
            } else {
                close(number)
            }
        }
    }

    /// Takes nobody in any more.
    private mutating func stop() {
        guard let socket = listener else { return }
        listener = nil
        Sockets.close(socket)
        let end = ContinuousClock.now + WebLimits.parting
        for (number, connection) in connections {
            if connection.isAsking {
                close(number)
            } else {
                connections[number]?.deadline = min(connection.deadline, end)
            }
        }
    }
}
