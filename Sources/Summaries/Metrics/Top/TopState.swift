package import Dataflow
package import Sketches

/// `top`: how often each group has seen each value in this epoch, exactly, and the highest level of these records. Only
/// what is stored is a sketch.
package final class TopState: PlacedState {
    private let column: Int
    private let type: ColumnType
    private var texts = TextInterner()
    private var numbers = IntegerInterner()
    private var counts = PairCounts()
    private var ids = StateColumn<UInt32>(initial: 0)
    private var groupCount = 0
    /// Where the pairs of each group are, since they were asked for last.
    private var index: PairIndex?

    init(column: Int, type: ColumnType) {
        self.column = column
        self.type = type
    }

    package func grow(to groups: Int) { groupCount = max(groupCount, groups) }

    package func update(_ batch: Batch, _ rows: RowSelection, _ groups: UnsafePointer<UInt32>, _ places: RecordPlaces) {
        index = nil
        let input = batch.columns[column]
        ids.resizeUninitialized(to: rows.count)
        let ids = unsafe self.ids.values
        if type == .text {
            unsafe texts.intern(input, rows, into: ids)
        } else {
            for index in 0..<rows.count {
                let row = rows[index]
                if unsafe input.valid[row] == 0 {
                    unsafe ids[index] = 0
                } else {
                    unsafe ids[index] = numbers.intern(
                        type == .boolean ? Int64(input.booleans[row]) : input.integers[row])
                }
            }
        }
        var start = 0
        while start < rows.count {
            let end = min(start &+ PairCounts.stride, rows.count)
            unsafe counts.lookAhead(groups, ids, start..<end)
            for index in start..<end where unsafe ids[index] != 0 {
                let place = places[rows[index]]
                let level = SampleLevel.of(partition: place.partition, offset: place.offset, within: place.within)
                unsafe counts.add(groups[index], ids[index], count: 1, level: level)
            }
            start = end
        }
    }

    package func absorb(_ other: any MetricState, _ map: UnsafePointer<UInt32>) {
        guard let other = other as? TopState else { preconditionFailure("merged with another metric") }
        index = nil
        var ids = StateColumn<UInt32>(initial: 0)
        if type == .text {
            texts.intern(other.texts, into: &ids)
        } else {
            ids.append(0)
            for theirs in 1..<other.numbers.idCount { ids.append(numbers.intern(other.numbers.value(UInt32(theirs)))) }
        }
        unsafe counts.add(other.counts, groups: map, values: ids.values)
    }

    package var memoryBytes: Int {
        texts.memoryBytes + numbers.memoryBytes + counts.memoryBytes + ids.memoryBytes + (index?.memoryBytes ?? 0)
    }

    /// Appends the bytes of a group's sketch.
    /// - Throws: `SketchError` when a group has more values than can be counted.
    package func encode(group: Int, into bytes: inout [UInt8]) throws(SketchError) {
        guard let kind = ItemKind(type) else { preconditionFailure("the field's type was checked") }
        var items = FrequentItems(kind: kind)
        try load(group, into: &items)
        items.encode(into: &bytes)
    }

    /// Adds a group's values to a sketch.
    func load(_ group: Int, into items: inout FrequentItems) throws(SketchError) {
        let index = index ?? PairIndex(counts, groups: groupCount)
        self.index = index
        let positions = index.pairs(ofGroup: group)
        for position in positions {
            if (position - positions.lowerBound) % PairCounts.stride == 0 {
                lookAhead(index, position..<min(position + PairCounts.stride, positions.upperBound))
            }
            let pair = counts.pair(at: index.slot(position))
            if type == .text {
                try unsafe items.add(texts.text(pair.value), count: pair.count, level: pair.level)
            } else {
                try unsafe ItemKind.withBytes(of: numbers.value(pair.value)) { bytes throws(SketchError) in
                    try unsafe items.add(bytes, count: pair.count, level: pair.level)
                }
            }
        }
    }

    /// Asks for pairs, then for their texts, as `PairCounts.lookAhead` does.
    private func lookAhead(_ index: borrowing PairIndex, _ positions: Range<Int>) {
        guard counts.memoryBytes > PairCounts.lookAheadBytes else { return }
        for position in positions { counts.prefetch(index.slot(position)) }
        guard type == .text else { return }
        for position in positions { texts.prefetch(counts.pair(at: index.slot(position)).value) }
    }
}
