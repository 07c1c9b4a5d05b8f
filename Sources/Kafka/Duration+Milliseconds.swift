extension Duration {
    /// Whole milliseconds, rounded up so that a short wait does not become none, at most what librdkafka takes.
    var milliseconds: Int32 {
        let (seconds, attoseconds) = components
        guard seconds < 2_000_000 else { return 2_000_000_000 }
        let part = (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
        return Int32(max(0, seconds * 1000 + part))
    }
}
