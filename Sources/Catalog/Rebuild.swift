/// A topology that is made anew beside the one that runs: `kpis@4` beside `kpis`, in tables `…__4`, with positions of its
/// own.
package struct Rebuild: Sendable, Equatable {
    /// The topology that it stands beside.
    package var topology: String
    /// The version it is to become, or, for one that was replaced, has been.
    package var tag: Int

    /// The name it is deployed under.
    package var name: String { "\(topology)@\(tag)" }

    package init(topology: String, tag: Int) {
        self.topology = topology
        self.tag = tag
    }

    /// The rebuild of a name, nil for the name of a topology itself.
    package init?(name: String) {
        guard let mark = name.lastIndex(of: "@"), let tag = Int(name[mark...].dropFirst()) else { return nil }
        self.init(topology: String(name[..<mark]), tag: tag)
    }

    /// What its tables are called.
    package static func table(_ base: String, tag: Int) -> String {
        let suffix = "__\(tag)"
        var name = base
        // Names have 63 bytes at most.
        while name.utf8.count + suffix.utf8.count > 63 { name.removeLast() }
        return name + suffix
    }
}

/// Tables of a rebuild and of its topology that correspond to each other.
package struct TablePair: Sendable, Equatable {
    package var schema: String
    /// The table of the topology itself.
    package var live: String
    /// The table of the rebuild.
    package var beside: String

    package var shown: String { "\(schema).\(live)" }
}
