import Declaration

/// A `too_early`. The clocks of partitions, which are kept with their positions, depend on it, so a topology has one.
struct EarlyBound: Resource {
    /// In microseconds.
    let early: Int64
    let location: SourceLocation

    func clash(with earlier: any Resource) -> Diagnostic? {
        guard let earlier = earlier as? EarlyBound, earlier.early != early else { return nil }
        return Diagnostic(
            code: "early-bounds", at: location,
            "the summaries of a topology have one `too_early`, found another one: the clocks of partitions depend on it",
            hint: "write the same in both, or use a topology of its own")
    }
}
