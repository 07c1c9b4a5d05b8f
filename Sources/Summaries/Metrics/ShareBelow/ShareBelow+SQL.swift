import Dataflow
import Declaration

extension ShareBelow: QueryableMetric {
    package func aggregates(_ records: AggregatedRecords) -> [Aggregate] {
        fields.map { field in
            let name = SQLWord.name(field.name)
            let limit = field.type == .double ? "cast('\(threshold.text)' AS double precision)" : threshold.text
            let below = "count(*)" + records.filter("\(name) < \(limit)")
            let all = "count(\(name))" + records.filter()
            return Aggregate("cast(\(below) AS double precision) / nullif(\(all), 0)")
        }
    }
}
