import Dataflow

/// The clocks of partitions, kept by the one worker that sees their records, in order.
struct PartitionClocks {
    /// How far ahead a record may be and still move a clock, in microseconds.
    let reach: Int64
    /// By the partition's index.
    private var clocks: [Int: EventClock] = [:]

    init(reach: Int64) { self.reach = reach }

    /// Lets the clocks see the good records of a batch, and notes for each what its clock showed before it.
    /// - Parameter column: the event time.
    mutating func see(_ batch: Batch, _ column: Int) {
        let times = batch.columns[column]
        var shown = Array(repeating: Int64.min, count: batch.rowCount)
        for index in batch.runs.indices {
            let run = batch.runs[index]
            var clock = (run.beginsClock ? run.clock : clocks[run.partition]) ?? EventClock()
            for row in run.rows where unsafe batch.status[row] == 0 && times.valid[row] != 0 {
                shown[row] = clock.time ?? .min
                unsafe clock.see(times.integers[row], reach: reach)
            }
            clocks[run.partition] = clock
            batch.runs[index].clock = clock
        }
        batch.clockTimes = shown
    }
}
