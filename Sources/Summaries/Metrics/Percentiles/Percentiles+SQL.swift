import Declaration
import Sketches

extension Percentiles: QueryableMetric {
    /// The value of the rank that sketches take, floor(q (n - 1)) counted from 0, which is neither that of `percentile_disc`
    /// nor that of `percentile_cont`.
    package func aggregates(_ records: AggregatedRecords) -> [Aggregate] {
        let field = SQLWord.name(fields[0].name)
        let values = "array_agg(\(field) ORDER BY \(field))" + records.filter("\(field) IS NOT NULL")
        let count = "count(\(field))" + records.filter()
        return percentiles.map { percentile in
            let share = "cast('\(percentile.percent)' AS double precision) / 100"
            let rank = "cast(floor(\(share) * (\(count) - 1)) AS integer)"
            return Aggregate(
                "cast((\(values))[1 + \(rank)] AS double precision)", .within(relative: ExponentialScale.relativeError))
        }
    }
}
