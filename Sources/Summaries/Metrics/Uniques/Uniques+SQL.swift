import Declaration

extension Uniques: QueryableMetric {
    package func aggregates(_ records: AggregatedRecords) -> [Aggregate] {
        fields.map {
            Aggregate(
                "count(DISTINCT \(SQLWord.name($0.name)))" + records.filter(),
                .estimate(standardError: precision.standardError, exactUpTo: precision.exactUpTo))
        }
    }
}

extension Uniques.Precision {
    /// The standard error of an estimate, relative to the number.
    var standardError: Double {
        switch self {
        case .compact, .standard: 0.0163
        case .precise: 0.0082
        }
    }

    /// Up to how many values it is exact.
    var exactUpTo: Int {
        switch self {
        case .compact: 0
        case .standard: 8
        case .precise: 32
        }
    }
}
