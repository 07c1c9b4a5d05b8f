import Catalog
import Declaration
import Logging
import Nodes
import Platform
import Postgres
import Synchronization
import WebPage

/// Changes that take longer than an answer may: each runs on a thread of its own, over a connection of its own, and the
/// page shows how far it is. One at a time in a process.
final class PageJobs: Sendable {
    /// A change.
    enum Job: Sendable {
        case promote(String, with: String)
        case rollback(String, to: Int)
        case replay(String, ReplayChoice, isRehearsal: Bool)

        /// What an action means; nil when its form does not say what to change.
        init?(_ action: PageAction) {
            switch action.kind {
            case .promote:
                guard let name = action.form["with"] else { return nil }
                self = .promote(action.topology, with: name)
            case .rollback:
                guard let version = action.form["version"].flatMap({ Int($0) }) else { return nil }
                self = .rollback(action.topology, to: version)
            case .replay:
                guard let letters = PageLetters.choice(action.form, of: action.topology) else { return nil }
                let choice = ReplayChoice(cause: letters.cause, node: letters.node, field: letters.field)
                self = .replay(action.topology, choice, isRehearsal: action.form["rehearse"] != nil)
            default: return nil
            }
        }

        var topology: String {
            switch self {
            case .promote(let topology, _), .rollback(let topology, _), .replay(let topology, _, _): topology
            }
        }

        var isReplay: Bool {
            if case .replay = self { true } else { false }
        }

        var title: String {
            switch self {
            case .promote(_, let name): "Promoting \(name)"
            case .rollback(_, let version): "Deploying version \(version) again"
            case .replay(_, _, let isRehearsal): isRehearsal ? "Trying to read them again" : "Reading them again"
            }
        }
    }

    /// A replay as the interface for programs tells of it.
    struct Replay: Encodable {
        enum State: String, Encodable {
            /// None was begun in this process, or other changes have been made since.
            case none
            case running, done, failed
        }
        var topology: String
        var state = State.none
        /// What became of it, in words.
        var reason = ""
        /// What became of the letters so far.
        var answer: Replaying.Answer?
    }

    private struct State {
        var job: Job
        var shown: PageJob
        var thread: JoinableThread?
        var replaying: Replaying?

        var isUnderWay: Bool { shown.outcome == nil }
    }

    private let settings: ConnectionSettings
    private let logger: Logger
    private let state = Mutex<State?>(nil)

    init(_ settings: ConnectionSettings, _ logger: Logger) {
        self.settings = settings
        self.logger = logger
    }

    /// The last change of a topology that was begun here: the last one of all, if it was of this kind.
    func last(_ topology: String, isReplay: Bool) -> PageJob? {
        state.withLock { state in
            guard let state, state.job.topology == topology, state.job.isReplay == isReplay else { return nil }
            var shown = state.shown
            if let letters = state.replaying?.answer.letters, letters > 0 { shown.progress = "\(letters) so far" }
            return shown
        }
    }

    /// The last replay of a topology that was begun here.
    func lastReplay(_ topology: String) -> Replay {
        state.withLock { state in
            guard let state, state.job.topology == topology, state.job.isReplay else {
                return Replay(topology: topology)
            }
            return Replay(
                topology: topology, state: state.isUnderWay ? .running : state.shown.hasFailed ? .failed : .done,
                reason: state.shown.outcome ?? "", answer: state.replaying?.answer)
        }
    }

    /// Begins a change, unless one is under way.
    /// - Throws: `NoThread`.
    func start(_ job: Job, by person: String) throws -> Bool {
        let isFree = state.withLock { state in
            guard state?.isUnderWay != true else { return false }
            state = State(job: job, shown: PageJob(title: job.title))
            return true
        }
        guard isFree else { return false }
        do {
            let thread = try JoinableThread(name: "web change") { [self] in
                do {
                    end(try run(job, by: person), hasFailed: false)
                } catch {
                    end(Redaction.redacted("\(error)"), hasFailed: true)
                }
            }
            state.withLock { $0?.thread = thread }
        } catch {
            end("\(error)", hasFailed: true)
            throw error
        }
        return true
    }

    /// The process ends: what is under way is put back, or of a replay what was read until then is committed.
    func stop() {
        StopSignal.raise()
        guard let (thread, replaying) = state.withLock({ state in state.map { ($0.thread, $0.replaying) } }) else {
            return
        }
        replaying?.stop()
        thread?.join()
    }

    private func end(_ outcome: String, hasFailed: Bool) {
        state.withLock { state in
            state?.shown.outcome = outcome
            state?.shown.hasFailed = hasFailed
        }
    }

    private func run(_ job: Job, by person: String) throws -> String {
        var catalog = try Catalog(connecting: settings)
        switch job {
        case .promote(let topology, let name):
            return try Promote.perform(
                topology, with: name, within: .seconds(60), by: person, settings, &catalog)
        case .rollback(let topology, let version):
            return try Rollback.perform(topology, to: version, by: person, &catalog)
        case .replay(let topology, let choice, let isRehearsal):
            return try replay(topology, choice, isRehearsal, &catalog)
        }
    }

    /// With one thread: what runs is not to be slower for it.
    private func replay(
        _ topology: String, _ choice: ReplayChoice, _ isRehearsal: Bool, _ catalog: inout Catalog
    ) throws -> String {
        let overrides = RunOverrides(workers: 1)
        let (found, diagnostics) = try DeployedTopology.load(topology, overrides, &catalog)
        guard let found else {
            throw Refusal(
                description: "the file cannot be run here: "
                    + diagnostics.all.filter { $0.severity == .error }.map(\.description).joined(separator: "; "))
        }
        var logger = logger
        logger.logLevel = .warning
        logger[metadataKey: "topology"] = "\(topology)"
        let replaying = try Replaying(
            found, choice, isRehearsal: isRehearsal, overrides: overrides, logger: logger)
        state.withLock { $0?.replaying = replaying }
        // The end of the process may have come before there was anything to stop.
        if StopSignal.isRaised { replaying.stop() }
        try replaying.replay()
        guard !replaying.wasStopped else {
            throw Refusal(description: "the process ended before all letters were read; another replay goes on there")
        }
        // Whose they are stands above.
        let (text, name) = (replaying.answer.text, "\(topology): ")
        return text.hasPrefix(name) ? String(text.dropFirst(name.count)) : text
    }
}
