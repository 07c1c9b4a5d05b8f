import Dataflow
import Declaration

extension Sum: QueryableMetric {
    /// Postgres adds doubles one by one, with a rounding each.
    package func aggregates(_ records: AggregatedRecords) -> [Aggregate] {
        fields.map { field in
            let sum = "sum(\(SQLWord.name(field.name)))" + records.filter()
            return field.type == .double
                ? Aggregate("cast(\(sum) AS numeric)", .rounded) : Aggregate("cast(\(sum) AS numeric)")
        }
    }
}
