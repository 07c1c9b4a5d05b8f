import Synchronization
import WebAPI

/// Who has signed in. In memory: whoever signed in does so again when the process has started anew.
final class PageSessions: Sendable {
    /// One who has signed in.
    struct Session: Sendable {
        var rights: Gate.Rights
        /// What every form of this session carries, and no other page can know.
        var formToken: Token
        var formText: String
        fileprivate var cookie: Token
        fileprivate var end: ContinuousClock.Instant
    }

    /// At once; the one that ends first gives way to another.
    static let sessionsMax = 256
    /// From signing in on, whatever happens.
    static let length = Duration.seconds(12 * 3_600)

    private let sessions = Mutex<[Session]>([])

    /// Somebody has shown a token.
    /// - Returns: what names the session from now on.
    func begin(_ rights: Gate.Rights, at now: ContinuousClock.Instant = .now) -> String {
        let (cookie, form) = (Token.random(), Token.random())
        sessions.withLock { sessions in
            sessions.removeAll { $0.end <= now }
            if sessions.count >= Self.sessionsMax { sessions.removeFirst() }
            sessions.append(
                Session(
                    rights: rights, formToken: Token(form), formText: form, cookie: Token(cookie),
                    end: now + Self.length))
        }
        return cookie
    }

    /// The session of a cookie; nil when there is none, or it has ended.
    func find(_ cookie: String, at now: ContinuousClock.Instant = .now) -> Session? {
        sessions.withLock { sessions in sessions.first { $0.end > now && $0.cookie.matches(cookie) } }
    }

    func end(_ cookie: String) {
        sessions.withLock { sessions in sessions.removeAll { $0.cookie.matches(cookie) } }
    }
}
