import Catalog
import Foundation
import Logging
import Platform

/// Processes of this machine that ended without a word: killed, out of memory, or crashed. The next one tells what they were
/// doing, and what they died of if they left a note.
enum Obituary {
    /// The machine and the process of a daemon's name, `host/process:mark`.
    static func parts(of name: String) -> (host: String, process: Int32)? {
        guard let slash = name.lastIndex(of: "/"), let colon = name.lastIndex(of: ":"), slash < colon,
            let process = Int32(name[name.index(after: slash)..<colon])
        else { return nil }
        return (String(name[..<slash]), process)
    }

    /// Tells of processes of the same machine that are gone, keeps what they died of, and takes them out of the catalogue.
    static func write(_ catalog: inout Catalog, own: String, _ logger: Logger) throws {
        guard let me = parts(of: own) else { return }
        for daemon in try catalog.daemons() where daemon.name != own {
            guard let other = parts(of: daemon.name), other.host == me.host else { continue }
            // Who left a note is gone, even if another process has its number, as in a container that was started again.
            let note = CrashNotes.take(of: daemon.name)
            guard note != nil || isGone(other.process) else { continue }
            let states = try catalog.states().filter { $0.daemon == daemon.name }
            let run = try note.flatMap { try keep($0, of: daemon.name, &catalog) }
            for state in states { tell(state, note, diedOf: run, logger) }
            if states.isEmpty {
                logger.warning(
                    "A process of this machine ended without a word; it ran no topology",
                    metadata: ["process": "\(daemon.name)"])
            }
            try catalog.signOut(daemon: daemon.name)
        }
    }

    /// Keeps which topology a process died of, if it was one.
    private static func keep(_ note: FaultNote, of daemon: String, _ catalog: inout Catalog) throws -> String? {
        guard let run = CrashNotes.run(note.work) else { return nil }
        try catalog.noteCrash(
            of: run.topology, generation: run.generation, daemon: daemon, signal: note.signalName)
        return run.topology
    }

    private static func tell(_ state: TopologyState, _ note: FaultNote?, diedOf topology: String?, _ logger: Logger) {
        let snapshot = state.snapshot
        var metadata: Logger.Metadata = [
            "topology": "\(state.topology)", "process": "\(state.daemon)", "state": "\(state.kind.rawValue)",
            "last_seen_seconds": "\(Int(state.secondsSilent))", "uncommitted": "\(snapshot.uncommitted)",
            "memory_mib": "\(snapshot.memory >> 20)", "budget_mib": "\(snapshot.budget >> 20)",
            "reason": "\(state.reason)",
        ]
        guard let note else {
            return logger.warning(
                "A process of this machine ended without a word (killed, out of memory, or crashed); what it had not committed is read again",
                metadata: metadata)
        }
        metadata["signal"] = "\(note.signalName)"
        metadata["died_of"] = "\(topology ?? "no topology that can be told")"
        logger.error(
            "A process of this machine died of a fault; what it had not committed is read again", metadata: metadata)
    }

    /// Whether no process has this number, or one that has ended and whose parent has not taken note. One of another container
    /// may have it: then its silence tells.
    private static func isGone(_ process: Int32) -> Bool {
        kill(process, 0) != 0 && errno == ESRCH || ProgramActivity.hasEnded(process)
    }
}
