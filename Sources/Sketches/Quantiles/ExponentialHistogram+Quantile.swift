extension ExponentialHistogram {
    /// The value at a quantile: the order statistic of rank floor(q (n - 1)), counted from 0.
    ///
    /// Exact while `isExact`; else the middle of its bucket, 2 b^i / (1 + b), clamped to minimum and maximum: at most
    /// 0.5416 % from the order statistic at scale 6. The operations on doubles are few and in fixed order, and the SQL
    /// function `millrace.percentile` does the same ones: equal bits everywhere.
    ///
    /// - Parameter q: 0 ... 1.
    /// - Returns: nil without values.
    /// - Complexity: O(buckets).
    public func quantile(_ q: Double) -> Double? {
        if count == 0 { return nil }
        let rank = rank(q)
        if isExact { return kind.double(exact[rank]) }
        return clamped(QuantileKey.midpoint(key(atRank: rank), halvings: halvings))
    }

    /// The interval that holds the order statistic `quantile(_:)` estimates: its bucket, cut at minimum and maximum.
    ///
    /// - Parameter q: 0 ... 1.
    /// - Returns: equal ends while `isExact`; nil without values.
    public func quantileBounds(_ q: Double) -> (low: Double, high: Double)? {
        if count == 0 { return nil }
        let rank = rank(q)
        if isExact {
            let value = kind.double(exact[rank])
            return (value, value)
        }
        let bounds = QuantileKey.bounds(key(atRank: rank), halvings: halvings)
        return (clamped(bounds.low), clamped(bounds.high))
    }

    private func rank(_ q: Double) -> Int {
        precondition(q >= 0 && q <= 1, "a quantile is asked for between 0 and 1")
        let rank = (q * Double(count - 1)).rounded(.down)
        return rank >= Double(count - 1) ? count - 1 : Int(rank)
    }

    private func key(atRank rank: Int) -> Int32 {
        var remaining = UInt64(rank)
        return unsafe buckets.read { buckets in
            for position in 0..<buckets.count {
                let bucket = unsafe buckets[position]
                if remaining < bucket.count { return bucket.key }
                remaining -= bucket.count
            }
            preconditionFailure("the buckets of a percentile sketch hold as many values as its count says")
        }
    }

    private func clamped(_ value: Double) -> Double {
        Swift.min(Swift.max(value, kind.double(low)), kind.double(high))
    }
}
