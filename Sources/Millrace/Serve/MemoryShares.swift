import Catalog

/// Who has how much of the memory that a process may take for its topologies.
struct MemoryShares {
    /// Bytes that the process may take.
    var limit: Int
    /// Bytes that the other topologies have.
    var others: [String: Int]

    private var taken: Int { others.values.reduce(0, +) }

    /// Whether so many bytes are left.
    func hasRoom(for wanted: Int) -> Bool { wanted <= limit - taken }

    /// The sum that does not come out. What is too much by itself is too much whoever else has some, and pausing these
    /// would not help.
    func complaint(_ wanted: Int) -> String {
        let list =
            wanted > limit
            ? []
            : others.filter { $0.value > 0 }.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
                .map { "\($0.key) \(Self.text($0.value))" }
        let sum =
            list.isEmpty
            ? "" : ", and with what others have (\(list.joined(separator: ", "))) that is \(Self.text(wanted + taken))"
        return "memory: it needs \(Self.text(wanted))\(sum), of the \(Self.text(limit)) that serve may take; lower its "
            + "memory:, \(list.isEmpty ? "" : "pause another one, ")or raise --memory"
    }

    /// Never less than it is: a sum must not look as if it came out.
    private static func text(_ bytes: Int) -> String { "\((bytes + (1 << 20) - 1) >> 20) MiB" }

    /// Those of each process that can be heard, by its name, without what one topology has.
    static func ofProcesses(without topology: String, _ catalog: inout Catalog) throws -> [String: MemoryShares] {
        let states = try catalog.states().filter { !$0.isLost && $0.topology != topology }
        var shares: [String: MemoryShares] = [:]
        for daemon in try catalog.daemons() where !daemon.isLost {
            let others = states.filter { $0.daemon == daemon.name }
            shares[daemon.name] = MemoryShares(
                limit: daemon.memoryBytes,
                others: Dictionary(others.map { ($0.topology, $0.snapshot.budget) }) { $1 })
        }
        return shares
    }
}
