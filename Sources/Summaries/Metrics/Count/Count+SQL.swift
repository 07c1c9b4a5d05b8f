import Declaration

extension Count: QueryableMetric {
    package func aggregates(_ records: AggregatedRecords) -> [Aggregate] {
        [Aggregate("count(\(fields.first.map { SQLWord.name($0.name) } ?? "*"))" + records.filter())]
    }
}
