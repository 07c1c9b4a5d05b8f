import Catalog
import Platform
import Postgres
import Synchronization
import WebPage

/// Changes that take longer than an answer may: each runs on a thread of its own, over a connection of its own, and the
/// page shows how far it is.
final class PageJobs: Sendable {
    /// A change.
    enum Job: Sendable {
        case promote(String, with: String)
        case rollback(String, to: Int)

        /// What an action means; nil when its form does not say what to change to.
        init?(_ action: PageAction) {
            switch action.kind {
            case .promote:
                guard let name = action.form["with"] else { return nil }
                self = .promote(action.topology, with: name)
            case .rollback:
                guard let version = action.form["version"].flatMap({ Int($0) }) else { return nil }
                self = .rollback(action.topology, to: version)
            default: return nil
            }
        }

        var topology: String {
            switch self {
            case .promote(let topology, _), .rollback(let topology, _): topology
            }
        }

        var title: String {
            switch self {
            case .promote(_, let name): "Promoting \(name)"
            case .rollback(_, let version): "Deploying version \(version) again"
            }
        }
    }

    private struct State {
        var shown: ChangesPage.Job
        var topology: String
        var isUnderWay: Bool
        var thread: JoinableThread?
    }

    private let settings: ConnectionSettings
    private let state = Mutex<State?>(nil)

    init(_ settings: ConnectionSettings) { self.settings = settings }

    /// The last change of a topology that was begun here.
    func last(_ topology: String) -> ChangesPage.Job? {
        state.withLock { state in state.flatMap { $0.topology == topology ? $0.shown : nil } }
    }

    /// Begins a change, unless one is under way.
    /// - Throws: `NoThread`.
    func start(_ job: Job, by person: String) throws -> Bool {
        let isFree = state.withLock { state in
            guard state?.isUnderWay != true else { return false }
            state = State(
                shown: .init(title: job.title, outcome: nil, hasFailed: false), topology: job.topology,
                isUnderWay: true)
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

    /// The process ends: what is under way is put back.
    func stop() {
        guard let thread = state.withLock({ $0?.thread }) else { return }
        StopSignal.raise()
        thread.join()
    }

    private func end(_ outcome: String, hasFailed: Bool) {
        state.withLock { state in
            state?.shown.outcome = outcome
            state?.shown.hasFailed = hasFailed
            state?.isUnderWay = false
        }
    }

    private func run(_ job: Job, by person: String) throws -> String {
        var catalog = try Catalog(connecting: settings)
        switch job {
        case .promote(let topology, let name):
            return try Promote.perform(topology, with: name, within: .seconds(60), by: person, settings, &catalog)
        case .rollback(let topology, let version):
            return try Rollback.perform(topology, to: version, by: person, &catalog)
        }
    }
}
