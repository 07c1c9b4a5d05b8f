import Dataflow
import Synchronization

/// What the sessions of one target are troubled by. The pipeline shows one text for the database: what one session has
/// behind it must not take back what another still waits for.
final class TroubleBoard: Sendable {
    private struct State {
        var troubles: [(session: String, text: String)] = []
        /// Whether a session has ever been connected, and has ever got through a piece of work.
        var hasConnected = false
        var hasWorked = false
    }

    private let state = Mutex(State())

    /// Says what a session waits for; nil when that is over.
    func report(_ text: String?, by session: String, _ context: CommitContext) {
        let shown: String?? = state.withLock { state in
            let before = state.troubles.firstIndex { $0.session == session }
            if text == nil, before == nil { return .none }
            if let before { state.troubles.remove(at: before) }
            if let text { state.troubles.insert((session, text), at: before ?? state.troubles.count) }
            return .some(state.troubles.first?.text)
        }
        if let shown { context.report(trouble: shown) }
    }

    /// Whether a session waits for something that it has named.
    func isTroubled(_ session: String) -> Bool {
        state.withLock { $0.troubles.contains { $0.session == session } }
    }

    /// Whether one of the sessions has ever been connected: the settings were right once.
    var hasConnected: Bool {
        get { state.withLock { $0.hasConnected } }
        set { state.withLock { $0.hasConnected = newValue } }
    }

    /// Whether one of the sessions has ever got through a piece of work: the rights sufficed once.
    var hasWorked: Bool {
        get { state.withLock { $0.hasWorked } }
        set { state.withLock { $0.hasWorked = newValue } }
    }
}
