import Declaration

extension Tumbling: QueryableWindow {
    package func starts(around time: String) -> WindowStarts { WindowStarts(start(around: time)) }

    /// The first moment of the year 1.
    private static let yearOne: Int64 = -62_135_596_800_000_000

    /// The beginning of the window around a moment. Bins are counted from one of the year 1 on: Postgres 15 puts moments in
    /// front of the origin into the wrong one where they are bounds.
    func start(around time: String) -> String {
        let length = windowLength ?? 1
        let origin = (Self.yearOne / length) * length
        return "date_bin(\(Self.interval(length)), \(time), \(SQLWord.timestamp(origin)))"
    }

    /// A length of time.
    static func interval(_ microseconds: Int64) -> String {
        microseconds % 1_000_000 == 0
            ? "interval '\(microseconds / 1_000_000) seconds'" : "interval '\(microseconds) microseconds'"
    }
}
