import Sketches

/// Merges exact sums of doubles, a group at a time, and writes them.
struct DoubleSumMerger {
    /// Where a sum stands among a metric's columns.
    struct Place {
        /// The position and the name of the column that shows the sum as a decimal.
        var shown: (position: Int, name: String)
        /// The position and the name of the column that has all of it.
        var exact: (position: Int, name: String)

        /// The places of a sum in columns.
        init(_ columns: [ResultColumn], shown: Int, exact: Int) {
            self.shown = (shown, columns[shown].name)
            self.exact = (exact, columns[exact].name)
        }
    }

    private(set) var sum = DoubleSum()
    private let place: Place
    private var bytes: [UInt8] = []

    init(_ place: Place) { self.place = place }

    /// Makes `sum` that of a group and of the stored row.
    ///
    /// A row of a version that kept no exact sums goes on from the sum it shows.
    mutating func merge(_ state: DoubleSumState, _ group: Int, _ stored: (any StoredValues)?) throws {
        sum.reset()
        if let stored {
            let isExact = try StoredValueError.naming(place.exact.name) {
                unsafe try stored.withBytes(place.exact.position) { unsafe try sum.merge(encoded: $0) }
            }
            if !isExact, let old = try stored.decimal(place.shown.position) { sum.add(old.nearestDouble) }
        }
        try StoredValueError.naming(place.exact.name) { try state.load(group: group, into: &sum) }
    }

    /// Appends the nearest double as a decimal, null without values.
    func writeShown(to sink: inout some ValueSink) { if sum.isEmpty { sink.appendNull() } else { sink.append(sum) } }

    /// Appends the stored form, null without values.
    mutating func writeExact(to sink: inout some ValueSink) {
        guard !sum.isEmpty else { return sink.appendNull() }
        bytes.removeAll(keepingCapacity: true)
        sum.encode(into: &bytes)
        sink.append(bytes)
    }
}
