import Declaration

extension Extreme: QueryableMetric {
    package func aggregates(_ records: AggregatedRecords) -> [Aggregate] {
        fields.map { Aggregate("\(identity.function)(\(SQLWord.name($0.name)))" + records.filter()) }
    }
}
