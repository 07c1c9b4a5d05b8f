import Dataflow
import Summaries

/// The clocks of partitions, kept by the one worker that sees their records, in order.
struct PartitionClocks {
    /// How far ahead a record may be and still move a clock.
    private let bounds: EventTimeBounds
    /// By the partition's index.
    private var clocks: [Int: EventClock] = [:]

    /// - Parameter reach: how far ahead a record may be and still move a clock, in microseconds.
    init(reach: Int64) { bounds = EventTimeBounds(late: nil, early: reach, field: "") }

    /// Lets the clocks see the good records of a batch, and notes for every record what its clock showed before it.
    /// - Parameter column: the event time.
    mutating func see(_ batch: Batch, _ column: Int) {
        // A batch without a row may have no columns either.
        let times = batch.rowCount > 0 ? batch.columns[column] : nil
        var shown = Array(repeating: Int64.min, count: batch.rowCount)
        for index in batch.runs.indices {
            let run = batch.runs[index]
            var clock = (run.beginsClock ? run.clock : clocks[run.partition]) ?? EventClock()
            if let times {
                for row in run.rows {
                    // Also before a bad one: its letter says so.
                    shown[row] = clock.time ?? .min
                    guard unsafe batch.status[row] == 0 && times.valid[row] != 0 else { continue }
                    unsafe clock.see(times.integers[row], reach: bounds.early, message: batch.messageTime(of: row))
                }
            }
            clocks[run.partition] = clock
            batch.runs[index].clock = clock
        }
        batch.clockTimes = shown
    }

    /// Whether every summary with bounds refuses a row as too early, by what its clock showed before it.
    func isTooEarly(_ row: Int, _ time: Int64, in batch: Batch) -> Bool {
        bounds.verdict(on: time, clock: batch.clockTimes[row], written: batch.writtenBy(row)) == .early
    }
}
