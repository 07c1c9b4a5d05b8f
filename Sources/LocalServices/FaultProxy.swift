import Glibc
import Synchronization

/// A TCP proxy on the loopback interface whose connections fail on command: cut, stalled, refused, or cut at an exact
/// point of the conversation. For tests of what a client does when its server goes away.
///
/// One thread moves all bytes. A command takes effect as soon as it returns. Connections with TLS pass, but triggers see
/// only their encrypted bytes.
public final class FaultProxy: Sendable {
    static let serviceName = "fault proxy"

    /// Cuts one connection at a point of the conversation, once.
    public struct Trigger: Sendable {
        /// The point at which to cut.
        public enum Moment: Sendable, CaseIterable {
            /// When the client has sent the request, which the server never gets.
            case beforeRequest
            /// When the server has the request; whether it acts on it before it notices the cut is open.
            case afterRequest
            /// When the server has answered the request; the client never gets the answer.
            case beforeAnswer
            /// When the client was sent the answer.
            case afterAnswer
        }

        /// Bytes that end the client's request.
        public var request: [UInt8]
        /// Bytes that end the server's answer to it.
        public var answer: [UInt8]
        /// The point at which to cut.
        public var moment: Moment

        /// Cuts when these bytes pass by, wherever the network splits them.
        public init(request: [UInt8], answer: [UInt8], moment: Moment) {
            self.request = request
            self.answer = answer
            self.moment = moment
        }

        /// PostgreSQL's COMMIT, sent as a statement of its own in either protocol.
        public static func commit(_ moment: Moment) -> Trigger {
            Trigger(request: Array("COMMIT\0".utf8), answer: Array("COMMIT\0".utf8), moment: moment)
        }
    }

    /// Where clients connect: 127.0.0.1 and this port.
    public let port: UInt16
    private let shared: Shared

    /// Starts to accept clients, and forwards them to `targetPort` on 127.0.0.1.
    /// - Throws: ``LocalServiceError`` when the system has no port or no thread left.
    public init(targetPort: UInt16) throws(LocalServiceError) {
        guard let (listener, port) = Loopback.listen(port: 0), let wake = WakePipe() else {
            throw LocalServiceError(Self.serviceName, "no free port")
        }
        self.port = port
        shared = Shared(ProxyState(port: port, targetPort: targetPort, listener: listener), wake)
        guard ServiceThread.start(shared.run) else { throw LocalServiceError(Self.serviceName, "no thread available") }
    }

    deinit {
        stop()
    }

    // MARK: - Commands

    /// Cuts all present connections; the peers see a reset, or an orderly end if asked.
    public func cut(orderly: Bool = false) { shared.command { $0.cutAll(orderly: orderly) } }

    /// While true, new connections are refused. Present ones go on.
    public func refuse(_ isRefusing: Bool) { shared.command { $0.refuse(isRefusing) } }

    /// While true, nothing moves: connections are accepted and stay silent.
    public func stall(_ isStalled: Bool) { shared.command { $0.isStalled = isStalled } }

    /// Cuts the first connection in which the trigger's bytes pass by; nil takes the trigger back.
    public func arm(_ trigger: Trigger?) { shared.command { $0.arm(trigger) } }

    /// Whether an armed trigger still waits.
    public var isArmed: Bool { shared.read { $0.isArmed } }

    /// Connections that are open now.
    public var connectionCount: Int { shared.read { $0.connectionCount } }

    /// Connections accepted so far.
    public var acceptedCount: Int { shared.read { $0.acceptedCount } }

    /// Ends all connections and the thread, and frees the port.
    public func stop() { shared.stop() }
}

extension FaultProxy {
    /// What the proxy's thread and its commanders share.
    fileprivate final class Shared: Sendable {
        private let state: Mutex<ProxyState>
        private let wake: WakePipe

        init(_ state: consuming ProxyState, _ wake: WakePipe) {
            self.state = Mutex(state)
            self.wake = wake
        }

        func command(_ body: (inout ProxyState) -> Void) {
            state.withLock { body(&$0) }
            wake.ring()
        }

        func read<Value>(_ body: (borrowing ProxyState) -> Value) -> Value where Value: Sendable {
            state.withLock { body($0) }
        }

        func stop() {
            command { $0.stop() }
        }

        /// The thread: waits without the lock, moves bytes with it.
        func run() {
            while true {
                let interests: [SocketInterest]? = state.withLock { $0.isStopped ? nil : $0.interests() }
                guard let interests else { return }
                let ready = SocketInterest.wait(for: interests, or: wake)
                state.withLock { if !$0.isStopped { $0.serve(ready) } }
            }
        }
    }
}
