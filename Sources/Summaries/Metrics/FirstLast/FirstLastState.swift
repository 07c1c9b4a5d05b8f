import Dataflow

/// `first` and `last`: the value of each group that counts, and where it came from.
final class FirstLastState: PlacedState {
    private let column: Int
    private let type: ColumnType
    private let timeColumn: Int
    private let isLast: Bool
    private var moments = StateColumn<LogMoment>(initial: .none)
    private var seen = StateColumn<UInt8>(initial: 0)
    /// The values that are not text; doubles by their bits.
    private var numbers = StateColumn<Int64>(initial: 0)
    private var texts = TextStates()

    init(column: Int, type: ColumnType, timeColumn: Int, isLast: Bool) {
        self.column = column
        self.type = type
        self.timeColumn = timeColumn
        self.isLast = isLast
    }

    func grow(to groups: Int) {
        moments.grow(to: groups)
        seen.grow(to: groups)
        if type == .text { texts.grow(to: groups) } else { numbers.grow(to: groups) }
    }

    func update(_ batch: Batch, _ rows: RowSelection, _ groups: UnsafePointer<UInt32>, _ places: RecordPlaces) {
        let input = batch.columns[column]
        let times = unsafe batch.columns[timeColumn].integers
        for index in 0..<rows.count {
            let row = rows[index]
            guard unsafe input.valid[row] != 0 else { continue }
            let group = unsafe Int(groups[index])
            let time = unsafe times[row]
            // The time alone decides for most rows, and the place need not be looked up.
            if unsafe seen.values[group] != 0 {
                let known = unsafe moments.values[group].time
                if isLast ? time < known : time > known { continue }
            }
            guard take(LogMoment(time: time, place: places[row]), group) else { continue }
            switch type {
            case .text:
                let slice = unsafe input.slices[row]
                unsafe texts.set(
                    group, UnsafeRawBufferPointer(start: input.base + Int(slice.offset), count: Int(slice.length)))
            case .boolean: unsafe numbers.values[group] = Int64(input.booleans[row])
            // -0 is 0.
            case .double: unsafe numbers.values[group] = Int64(bitPattern: (input.doubles[row] + 0).bitPattern)
            default: unsafe numbers.values[group] = input.integers[row]
            }
        }
    }

    /// Whether a moment is the one that counts so far, which it then is.
    @inline(__always)
    private func take(_ moment: LogMoment, _ group: Int) -> Bool {
        if unsafe seen.values[group] != 0 {
            let known = unsafe moments.values[group]
            guard isLast ? known < moment : moment < known else { return false }
        }
        unsafe moments.values[group] = moment
        unsafe seen.values[group] = 1
        return true
    }

    func absorb(_ other: any MetricState, _ map: UnsafePointer<UInt32>) {
        guard let other = other as? FirstLastState else { preconditionFailure("merged with another metric") }
        for group in 0..<other.seen.count where unsafe other.seen.values[group] != 0 {
            let mine = unsafe Int(map[group])
            guard unsafe take(other.moments.values[group], mine) else { continue }
            if type == .text {
                unsafe other.texts.withText(group) { unsafe texts.set(mine, $0) }
            } else {
                unsafe numbers.values[mine] = other.numbers.values[group]
            }
        }
    }

    var memoryBytes: Int {
        moments.memoryBytes + seen.memoryBytes + numbers.memoryBytes + texts.memoryBytes
    }

    /// Where a group's value came from, nil when it has none.
    func moment(ofGroup group: Int) -> LogMoment? {
        unsafe seen.values[group] == 0 ? nil : moments.values[group]
    }

    /// A group's value that is not text; a double's bits.
    func number(ofGroup group: Int) -> Int64 { unsafe numbers.values[group] }

    /// Appends a group's text.
    func appendText(ofGroup group: Int, to bytes: inout [UInt8]) {
        unsafe texts.withText(group) { unsafe bytes.append(contentsOf: $0) }
    }
}
