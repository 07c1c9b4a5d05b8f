package import Dataflow
import JSON

/// Stands around a node that reads messages: of the records in them, those of letters alone go on.
///
/// A message may hold many records, of which one was dead; the others are in the tables.
struct ReplayGate: Operator {
    let inner: any Operator
    let desk: ReplayDesk

    var companion: (any Companion)? { inner.companion }

    func makeWorker(in slot: StageSlot) -> any OperatorWorker {
        ReplayGateWorker(inner.makeWorker(in: slot), desk)
    }
}

private final class ReplayGateWorker: OperatorWorker {
    private let inner: any OperatorWorker
    private let desk: ReplayDesk
    private var finder = DocumentFinder()

    init(_ inner: any OperatorWorker, _ desk: ReplayDesk) {
        self.inner = inner
        self.desk = desk
    }

    func process(_ batch: Batch, _ rows: RowSelection, _ output: (RowSelection) -> Void) {
        var chosen: [Int: ReplayLetter]?
        inner.process(batch, rows) { good in
            let found = choose(batch)
            chosen = found
            let kept = (0..<good.count).map { good[$0] }.filter { found[$0] != nil }.map { UInt32($0) }
            unsafe kept.withUnsafeBufferPointer { unsafe output(RowSelection(rows: $0.baseAddress, count: $0.count)) }
        }
        // A batch without a good record hands nothing on.
        if chosen == nil { _ = choose(batch) }
    }

    /// Finds the rows of letters; says of letters without one that they stay, and forgets what other rows are to blame for.
    private func choose(_ batch: Batch) -> [Int: ReplayLetter] {
        let rows = places(of: batch)
        var chosen: [Int: ReplayLetter] = [:]
        for run in batch.runs {
            guard let key = desk.key(ofIndex: run.partition), let from = run.from, from < run.nextOffset else {
                continue
            }
            let letters = desk.letters(of: key, from..<run.nextOffset).filter { $0.obstacle == nil }
            var match = ReplayMatch(batch, run, finder, rows)
            match.find(letters)
            chosen.merge(match.chosen) { $1 }
            desk.place(of: key, in: from..<run.nextOffset, match.parts)
            if !match.obstacles.isEmpty {
                desk.hold(of: key, in: from..<run.nextOffset) { match.obstacles[$0.id] }
            }
        }
        dropOthers(of: batch, chosen)
        var lacking = [UInt64](repeating: 0, count: batch.rowCount)
        for (row, letter) in chosen { lacking[row] = letter.lacking }
        desk.setLacking(lacking, of: batch)
        if !batch.clockTimes.isEmpty {
            batch.clockTimes = (0..<batch.rowCount).map { chosen[$0]?.clock ?? .min }
        }
        return chosen
    }

    /// Where each row stands, and what it holds.
    private func places(of batch: Batch) -> [ReplayPlace] {
        finder.find(in: batch)
        var writer = DeadLetterWriter(batch, finder.documents, node: "")
        let fault = RecordFault("", "")
        return (0..<batch.rowCount).map { ReplayPlace(writer.letter(for: $0, fault)) }
    }

    /// The letters that the parser has written, in the order of its bad rows: those of records that are no letters' are
    /// nobody's business now.
    private func dropOthers(of batch: Batch, _ chosen: [Int: ReplayLetter]) {
        let bad = (0..<batch.rowCount).filter { unsafe batch.status[$0] != 0 }
        precondition(bad.count == batch.deadLetters.count, "a record that cannot be read has one letter")
        batch.deadLetters = zip(bad, batch.deadLetters).filter { chosen[$0.0] != nil }.map(\.1)
    }
}

/// Stands around a node that keeps a summary: records that its table has already go past it.
struct ReplaySummary: Operator {
    let inner: any Operator
    /// The node's bit in `ReplayScope`.
    let bit: UInt64
    let desk: ReplayDesk

    var companion: (any Companion)? { inner.companion }

    func makeWorker(in slot: StageSlot) -> any OperatorWorker {
        guard let worker = inner.makeWorker(in: slot) as? any AggregateWorker else {
            preconditionFailure("a node that feeds a sink keeps groups")
        }
        return ReplaySummaryWorker(worker, bit, desk)
    }
}

private final class ReplaySummaryWorker: AggregateWorker {
    private let inner: any AggregateWorker
    private let bit: UInt64
    private let desk: ReplayDesk

    init(_ inner: any AggregateWorker, _ bit: UInt64, _ desk: ReplayDesk) {
        self.inner = inner
        self.bit = bit
        self.desk = desk
    }

    func process(_ batch: Batch, _ rows: RowSelection, _ output: (RowSelection) -> Void) {
        let lacking = desk.lacking(of: batch)
        var (new, known) = ([UInt32](), [UInt32]())
        for index in 0..<rows.count {
            let row = rows[index]
            if lacking[row] & bit != 0 { new.append(UInt32(row)) } else { known.append(UInt32(row)) }
        }
        unsafe new.withUnsafeBufferPointer {
            unsafe inner.process(batch, RowSelection(rows: $0.baseAddress, count: $0.count), output)
        }
        // They reached a summary, some time ago.
        guard !known.isEmpty else { return }
        unsafe known.withUnsafeBufferPointer {
            unsafe batch.markApplied(RowSelection(rows: $0.baseAddress, count: $0.count))
        }
    }

    func takeDelta(epoch: UInt64) -> (any Delta)? { inner.takeDelta(epoch: epoch) }

    func discard() { inner.discard() }
}

extension ReplayDesk {
    /// Puts gates into a pipeline that is about to run.
    package func guardNodes(of plan: inout PipelinePlan) {
        for index in plan.nodes.indices {
            let node = plan.nodes[index].make
            if scope.parsers.contains(index) {
                plan.nodes[index].make = ReplayGate(inner: node, desk: self)
            } else if scope.bit(of: index) != 0 {
                plan.nodes[index].make = ReplaySummary(inner: node, bit: scope.bit(of: index), desk: self)
            }
        }
    }
}
