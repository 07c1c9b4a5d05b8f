import Dataflow
import Platform
import Synchronization

/// The nodes of a simulated topology: one gives a batch its rows, the others tally them. At every step of theirs another
/// thread may go on.
struct SteppingParse: Operator {
    let scheduler: SteppingScheduler
    let refusals: Refusals
    /// Whether it keeps the clocks of partitions, for which it must see batches in order.
    let keepsClocks: Bool

    func makeWorker(in slot: StageSlot) -> any OperatorWorker {
        Worker(scheduler: scheduler, refusals: refusals, keepsClocks: keepsClocks)
    }

    final class Worker: OperatorWorker {
        let scheduler: SteppingScheduler
        let refusals: Refusals
        let keepsClocks: Bool
        private var clocks: [Int: EventClock] = [:]

        init(scheduler: SteppingScheduler, refusals: Refusals, keepsClocks: Bool) {
            self.scheduler = scheduler
            self.refusals = refusals
            self.keepsClocks = keepsClocks
        }

        func process(_ batch: Batch, _ rows: RowSelection, _ output: (RowSelection) -> Void) {
            batch.beginRows(batch.messages.count)
            for index in batch.runs.indices { batch.runs[index].rows = batch.runs[index].messages }
            var good: [UInt32] = []
            for run in batch.runs {
                for row in run.rows {
                    let message = batch.messages[row]
                    let value = batch.value(of: row)
                    let isDead = ModelLog.fate(of: value) == .dead || refusals.isKnown(value)
                    unsafe batch.status[row] = isDead ? 1 : 0
                    if isDead {
                        batch.deadLetters.append(
                            DeadLetter(
                                partition: run.partition, offset: message.offset, line: 0,
                                fault: RecordFault("unwanted", "not wanted"),
                                payload: [1, 2, 3], timestamp: nil))
                    } else if ModelLog.fate(of: value) == .applied {
                        good.append(UInt32(row))
                    }
                }
            }
            if keepsClocks { keepClocks(batch) }
            scheduler.reach("parses")
            unsafe good.withUnsafeBufferPointer { rows in
                output(unsafe RowSelection(rows: rows.baseAddress, count: rows.count))
            }
            scheduler.reach("parsed")
        }

        /// Every record counts, whatever becomes of it, so that a clock tells by which records it came about.
        private func keepClocks(_ batch: Batch) {
            for index in batch.runs.indices {
                let run = batch.runs[index]
                var clock = (run.beginsClock ? run.clock : clocks[run.partition]) ?? EventClock()
                for row in run.rows { clock.see(batch.value(of: row), reach: 0) }
                clocks[run.partition] = clock
                batch.runs[index].clock = clock
            }
        }
    }
}

/// Adds the values of rows to their groups.
struct SteppingTally: Operator {
    let scheduler: SteppingScheduler
    let refusals: Refusals

    func makeWorker(in slot: StageSlot) -> any OperatorWorker { Worker(scheduler: scheduler, refusals: refusals) }

    final class Worker: AggregateWorker {
        private let scheduler: SteppingScheduler
        private let refusals: Refusals
        private let deltas = Mutex<[UInt64: TallyDelta]>([:])

        init(scheduler: SteppingScheduler, refusals: Refusals) {
            self.scheduler = scheduler
            self.refusals = refusals
        }

        func process(_ batch: Batch, _ rows: RowSelection, _ output: (RowSelection) -> Void) {
            var sums: [Int64: Int64] = [:]
            var hidden: [Int64] = []
            for index in 0..<rows.count {
                let value = batch.value(of: rows[index])
                sums[ModelLog.group(of: value), default: 0] += value
                if refusals.isHidden(value) { hidden.append(value) }
            }
            batch.markApplied(rows)
            scheduler.reach("tallies")
            deltas.withLock { deltas in
                let delta = deltas[batch.epoch] ?? TallyDelta()
                deltas[batch.epoch] = delta
                delta.add(sums)
                delta.add(refused: hidden)
            }
            scheduler.reach("tallied")
        }

        func takeDelta(epoch: UInt64) -> (any Delta)? {
            defer { scheduler.reach("gave its groups away") }
            return deltas.withLock { deltas in
                precondition(deltas.keys.allSatisfy { $0 >= epoch }, "groups of a dropped epoch are still there")
                return deltas.removeValue(forKey: epoch)
            }
        }

        func discard() {
            deltas.withLock { $0 = [:] }
            scheduler.reach("forgot its groups")
        }
    }
}

extension Batch {
    /// The value in a message.
    fileprivate func value(of message: Int) -> Int64 {
        unsafe base.loadUnaligned(fromByteOffset: Int(messages[message].start), as: Int64.self)
    }
}
