import Catalog
import Foundation

/// Why a topology moves, or does not: what `why`, `status`, `/ready`, `/metrics` and the page all go by.
extension TopologyStatus {
    struct Reason: Equatable {
        var text: String
        /// Whether it is in the way of what is wanted.
        var isTrouble: Bool
    }

    /// What processes have been told and said at one moment.
    struct Sight {
        var deployment: Deployment
        /// Those that count, and those that have been silent for too long.
        var alive: [TopologyState]
        var lost: [TopologyState]
        /// What others say that do not count, but have partitions.
        var peers: [TopologyState]
    }

    /// What there is to say, the weightiest first; never nothing.
    static func reasons(_ state: State, _ reason: String, _ sight: Sight) -> [Reason] {
        let lost = sight.lost.map { silence($0, isTrouble: false) }
        switch state {
        case .paused:
            let deployment = sight.deployment
            let when = "by \(deployment.changedBy) at \(Moment.text(deployment.changedAt))"
            guard deployment.pausedFor.isEmpty else {
                let text = "paused for millrace \(deployment.pausedFor) \(when)"
                if deployment.isUnderWay {
                    return [Reason(text: text + ", until that is done", isTrouble: false)] + lost
                }
                let way = "; if that was killed, do it again, or millrace resume \(deployment.topology)"
                return [Reason(text: text + way, isTrouble: true)] + lost
            }
            return [Reason(text: "paused \(when); resume it", isTrouble: false)] + lost
        case .ended:
            let text = "its sources have ended, and everything they had is committed"
            return [Reason(text: text, isTrouble: false)] + lost + letters(sight)
        case .running: return running(sight) + lost + letters(sight)
        default:
            let more = reason.isEmpty ? "" : ": \(reason)"
            let isOnItsWay = sight.deployment.isUnderWay && state.isChange
            return [Reason(text: "\(state)\(more)", isTrouble: !isOnItsWay)] + lost
        }
    }

    private static func silence(_ state: TopologyState, isTrouble: Bool) -> Reason {
        let text =
            "\(state.daemon) has been silent for \(Int(state.secondsSilent)) s: it was killed, stands still, or cannot "
            + "reach this database; what it read and had not committed is read by the others"
        return Reason(text: text, isTrouble: isTrouble)
    }

    /// What is in the way of one that runs, or how it gets on.
    private static func running(_ sight: Sight) -> [Reason] {
        let troubles = sight.alive.flatMap { state -> [Reason] in
            let silence = state.secondsSilent > CatalogLimits.daemonPause ? [silence(state, isTrouble: true)] : []
            let troubles = state.snapshot.troubles
            return silence
                + troubles.indices.filter { !troubles[..<$0].contains(troubles[$0]) }.map {
                    Reason(text: "\(state.daemon): \(troubles[$0])", isTrouble: true)
                }
        }
        let found = troubles + idleGroups(sight) + permitWaits(sight)
        if found.contains(where: \.isTrouble) { return found.filter(\.isTrouble) }
        let rate = sight.alive.reduce(0) { $0 + $1.snapshot.rate }
        if rate > 0 {
            let text = "it moves: \(ProgressReporter.short(Int64(rate.rounded(.up)))) records a second"
            return [Reason(text: text, isTrouble: false)] + found
        }
        if !found.isEmpty { return found }
        guard sight.alive.flatMap(\.snapshot.partitions).contains(where: \.isOurs) else {
            return [Reason(text: "no process has a partition yet: they are being shared out", isTrouble: false)]
        }
        let lag = sight.alive.reduce(0) { $0 + ($1.snapshot.lag ?? 0) }
        if lag > 0 {
            let text = "\(ProgressReporter.count(lag)) records wait for the next commit, and nothing is in their way"
            return [Reason(text: text, isTrouble: false)]
        }
        return [Reason(text: "idle: everything there is has been read and committed", isTrouble: false)]
    }

    /// Nodes that have work and no permit, because other processes have them: how it is meant to be, unless it lasts.
    private static func permitWaits(_ sight: Sight) -> [Reason] {
        sight.alive.flatMap { state in
            state.snapshot.nodes.compactMap { node in
                guard let permits = node.permits, let seconds = permits.secondsWaited, seconds >= 1 else { return nil }
                let holders = permits.others.map {
                    "\($0.instance) has \($0.held)" + ($0.isGone ? ", and is gone" : "")
                }
                let text =
                    "\(state.daemon): node \(node.name) has waited \(Int(seconds)) s for one of the \(permits.limit) permits "
                    + "of its cluster_concurrency: "
                    + (holders.isEmpty ? "none is lent now" : holders.joined(separator: ", "))
                return Reason(text: text, isTrouble: false)
            }
        }
    }

    /// Sources that have no partition here: no harm where another process has them, but nobody reads when none has.
    private static func idleGroups(_ sight: Sight) -> [Reason] {
        var groups: [String: String] = [:]
        for source in sight.alive.flatMap(\.snapshot.sources) {
            if let group = source.idleGroup { groups[source.name] = group }
        }
        return groups.sorted { $0.key < $1.key }.compactMap { name, group in
            let readers = (sight.alive + sight.peers).filter { state in
                state.snapshot.partitions.contains { $0.isOurs && $0.source == name }
            }
            if readers.isEmpty {
                let text =
                    "source \(name): no process of this topology has a partition; the consumer group \(group) has given "
                    + "them all to other members: a program that uses the same group, or a process that ended without "
                    + "leaving, which is waited for up to session.timeout.ms"
                return Reason(text: text, isTrouble: true)
            }
            guard sight.alive.allSatisfy({ state in !readers.contains { $0.daemon == state.daemon } }) else {
                return nil
            }
            let text =
                "source \(name): the consumer group \(group) has no partition left for this process; others have them "
                + "all, and it takes over when one of them ends"
            return Reason(text: text, isTrouble: false)
        }
    }

    private static func letters(_ sight: Sight) -> [Reason] {
        let dead = sight.alive.reduce(0) { $0 + $1.snapshot.dead }
        guard dead > 0 else { return [] }
        let text =
            "\(ProgressReporter.count(dead)) records could not be used since its start; millrace dead-letters list "
            + "\(sight.deployment.topology) says why"
        return [Reason(text: text, isTrouble: false)]
    }
}
