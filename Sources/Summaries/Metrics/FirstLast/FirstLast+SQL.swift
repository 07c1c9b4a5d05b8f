import Declaration

extension FirstLast: QueryableMetric {
    /// Of records of one time and several partitions, the query takes that of the first or the last partition by name and
    /// number; Millrace decides by a hash of these.
    package func aggregates(_ records: AggregatedRecords) -> [Aggregate] {
        let direction = isLast ? " DESC" : ""
        let order = ([QueryRelation.eventTimeColumn] + QueryRelation.placeColumns).map { $0 + direction }
        return fields.map { field in
            let name = SQLWord.name(field.name)
            let values = "array_agg(\(name) ORDER BY \(order.joined(separator: ", ")))"
            return Aggregate("(\(values)\(records.filter("\(name) IS NOT NULL")))[1]")
        }
    }
}
