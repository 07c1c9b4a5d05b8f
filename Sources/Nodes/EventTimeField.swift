import Declaration

extension RecordSchema {
    /// The problem of a node that makes a field with the name of the event time, nil for another name. What is behind it
    /// would read the new value, while windows, clocks of partitions and freshness go by the one that was parsed.
    func replacementOfEventTime(by entry: ConfigEntry, of node: NodeDeclaration) -> Diagnostic? {
        guard let eventTimeColumn, self[entry.key]?.column == eventTimeColumn else { return nil }
        return Diagnostic(
            code: "event-time-replaced", at: entry.keyLocation,
            "node \(node.name): \(entry.key) is the event time, by which windows, bounds and freshness go as "
                + "\(ParseJSON.spec.name) has read it, found another value under that name, expected a new name",
            hint:
                "write \(entry.key)_made, or have \(ParseJSON.spec.name) read what it is made of, by timestamp(ms), format: or zone:"
        )
    }
}
