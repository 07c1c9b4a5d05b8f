package import Dataflow

/// Where the rows of a batch stand in the log, by row; those that no metric of places takes part in are left out.
package struct RecordPlaces {
    private var places: [RecordPlace] = []

    /// No places.
    package init() {}

    /// Makes room for the rows of a batch.
    package mutating func reset(rows: Int) {
        let missing = rows - places.count
        if missing > 0 {
            places += Array(repeating: RecordPlace(partition: 0, offset: 0, within: 0), count: missing)
        }
    }

    /// The place of a row.
    package subscript(row: Int) -> RecordPlace {
        @inline(__always) get { places[row] }
        set { places[row] = newValue }
    }

    /// Bytes allocated.
    package var memoryBytes: Int { places.capacity * MemoryLayout<RecordPlace>.stride }
}

/// A state that depends on where in the log a record stands.
package protocol PlacedState: MetricState {
    /// Takes in the selected rows; `groups` holds one group number per selected row.
    func update(_ batch: Batch, _ rows: RowSelection, _ groups: UnsafePointer<UInt32>, _ places: RecordPlaces)
}

extension PlacedState {
    package func update(_ batch: Batch, _ rows: RowSelection, _ groups: UnsafePointer<UInt32>) {
        preconditionFailure("a metric of places was given none")
    }
}
