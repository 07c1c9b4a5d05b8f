import Declaration

extension Average: QueryableMetric {
    package func aggregates(_ records: AggregatedRecords) -> [Aggregate] {
        fields.map {
            Aggregate("cast(avg(\(SQLWord.name($0.name)))\(records.filter()) AS double precision)", .rounded)
        }
    }
}
