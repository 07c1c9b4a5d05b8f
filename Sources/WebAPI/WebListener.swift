import Platform
import Synchronization

/// Listens at an address, and hands each request to whoever answers it.
///
/// One thread does all of it, with `poll`: at most `WebLimits.connections`, each for one request, each with a moment at
/// which it ends whatever happens. Answers come from any thread.
package final class WebListener: Sendable {
    /// Takes a request, on the listener's thread: it must not block.
    package typealias Handler = @Sendable (HTTPRequest, Reply) -> Void

    /// The way back for one answer.
    package struct Reply: Sendable {
        private let mailbox: Mailbox
        private let connection: UInt64

        fileprivate init(_ mailbox: Mailbox, _ connection: UInt64) {
            (self.mailbox, self.connection) = (mailbox, connection)
        }

        /// Sends the answer, unless the connection has ended meanwhile. Any thread may do so.
        package func send(_ response: HTTPResponse) { mailbox.put(connection, response) }
    }

    /// Where it listens, with the port that it really has.
    package let address: ListenAddress
    private let mailbox: Mailbox
    private let thread: JoinableThread

    /// Listens from now on.
    /// - Parameter keeper: of the certificate; nil for a listener without TLS.
    /// - Throws: `SystemError` when the address is taken or not this machine's, `NoThread`.
    package init(at address: ListenAddress, keeper: TLSKeeper? = nil, handler: @escaping Handler) throws {
        let mailbox = try Mailbox()
        let socket = try Sockets.listen(at: address)
        self.mailbox = mailbox
        self.address = ListenAddress(host: address.host, port: Sockets.port(of: socket))
        do {
            thread = try JoinableThread(name: "web") {
                // Whoever asks, and however often, takes next to nothing from what has work to do besides.
                ThreadPriority.giveWay(ThreadPriority.nicenessToStrangers)
                var connections = WebConnections(
                    listener: socket, keeper: keeper, mailbox: mailbox, handler: handler)
                connections.run()
            }
        } catch {
            Sockets.close(socket)
            throw error
        }
    }

    /// Takes no more connections, and waits a little for answers that are on their way.
    package func stop() {
        mailbox.stop()
        thread.join()
    }

    static func reply(_ mailbox: Mailbox, _ connection: UInt64) -> Reply { Reply(mailbox, connection) }
}

/// Answers on their way to the listener's thread.
final class Mailbox: Sendable {
    private struct Content {
        var answers: [(connection: UInt64, response: HTTPResponse)] = []
        var isStopping = false
    }

    /// Becomes ready when there is something.
    let signal: Int32
    private let alarm: Int32
    private let content = Mutex(Content())

    init() throws(SystemError) { (signal, alarm) = try Sockets.makePipe() }

    deinit {
        Sockets.close(signal)
        Sockets.close(alarm)
    }

    func put(_ connection: UInt64, _ response: HTTPResponse) {
        content.withLock { $0.answers.append((connection, response)) }
        Sockets.wake(alarm)
    }

    func stop() {
        content.withLock { $0.isStopping = true }
        Sockets.wake(alarm)
    }

    func take() -> (answers: [(connection: UInt64, response: HTTPResponse)], isStopping: Bool) {
        Sockets.drain(signal)
        return content.withLock { content in
            defer { content.answers = [] }
            return (content.answers, content.isStopping)
        }
    }
}
