import Catalog
import Foundation
import Logging

/// Processes of this machine that ended without a word: killed, out of memory, or crashed. The next one tells what they were
/// doing.
enum Obituary {
    /// The machine and the process of a daemon's name, `host/process:mark`.
    static func parts(of name: String) -> (host: String, process: Int32)? {
        guard let slash = name.lastIndex(of: "/"), let colon = name.lastIndex(of: ":"), slash < colon,
            let process = Int32(name[name.index(after: slash)..<colon])
        else { return nil }
        return (String(name[..<slash]), process)
    }

    /// Tells of processes of the same machine that are gone, and takes them out of the catalogue.
    static func write(_ catalog: inout Catalog, own: String, _ logger: Logger) throws {
        guard let me = parts(of: own) else { return }
        for daemon in try catalog.daemons() where daemon.name != own {
            guard let other = parts(of: daemon.name), other.host == me.host, isGone(other.process) else { continue }
            let states = try catalog.states().filter { $0.daemon == daemon.name }
            for state in states {
                let snapshot = state.snapshot
                logger.warning(
                    "A process of this machine ended without a word (killed, out of memory, or crashed); what it had not committed is read again",
                    metadata: [
                        "topology": "\(state.topology)", "process": "\(daemon.name)", "state": "\(state.kind.rawValue)",
                        "last_seen_seconds": "\(Int(state.secondsSilent))", "uncommitted": "\(snapshot.uncommitted)",
                        "memory_mib": "\(snapshot.memory >> 20)", "budget_mib": "\(snapshot.budget >> 20)",
                        "reason": "\(state.reason)",
                    ])
            }
            if states.isEmpty {
                logger.warning(
                    "A process of this machine ended without a word; it ran no topology",
                    metadata: ["process": "\(daemon.name)"])
            }
            try catalog.signOut(daemon: daemon.name)
        }
    }

    /// Whether no process has this number. One of another container may have it: then its silence tells.
    private static func isGone(_ process: Int32) -> Bool { kill(process, 0) != 0 && errno == ESRCH }
}
