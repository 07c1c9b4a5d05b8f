import Declaration

extension SamplePlan: QueryableStage {
    /// Which records are in a sample is decided by a hash that Postgres does not have.
    func query(_ input: QueryRelation, as node: String, in query: inout QueryText) -> QueryRelation {
        query.gap("node \(node): a sample is chosen by a hash that SQL does not have; all records go through")
        return input
    }
}
