import Declaration

extension FirstLast: QueryableMetric {
    package func aggregates(_ records: AggregatedRecords) -> [Aggregate] {
        let direction = isLast ? " DESC" : ""
        let order = ([QueryRelation.eventTimeColumn] + QueryRelation.placeColumns).map { $0 + direction }
        let remark =
            "of records with the same event time in several partitions, the query takes that of the \(isLast ? "last" : "first") "
            + "one by topic and number, and Millrace decides by a hash of these"
        return fields.map { field in
            let name = SQLWord.name(field.name)
            let values = "array_agg(\(name) ORDER BY \(order.joined(separator: ", ")))"
            var aggregate = Aggregate("(\(values)\(records.filter("\(name) IS NOT NULL")))[1]")
            aggregate.remarkOnPartitions = remark
            return aggregate
        }
    }
}
