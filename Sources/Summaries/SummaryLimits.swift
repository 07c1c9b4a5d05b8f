/// Bounds of what a summary remembers.
enum SummaryLimits {
    /// Groups of one summary remembered as refused, in some 10 MB: many more than an epoch has dead letters, since an
    /// epoch is closed by its dead letters only when the groups that make them are known.
    static let refusedGroupsMax = 100_000
    /// Different reasons that are kept with them: databases that quote the row make one for each.
    static let refusalReasonsMax = 1_000
}
