package import Dataflow
package import Logging
import Synchronization

/// Says why records become dead letters or are refused: the first of each cause at once, with the record; at the end, how
/// many there were of each.
///
/// A cause is a code, a node and a field, as in `millrace.dead_letters`: the same mistake at another byte is the same cause.
/// Letters are counted when they are committed, so that a rewind counts none twice.
package final class DeadLetterReport: EpochObserver {
    /// Causes told apart; letters of further ones are counted together.
    package static let causesMax = 32
    /// Bytes shown of a record.
    package static let shownBytesMax = 200

    private let logger: Logger
    private let known = Mutex(Causes())

    private struct Causes {
        /// In the order in which they came: the first fault seen, and how many letters there were.
        var list: [(first: RecordFault, isDead: Bool, count: Int64)] = []
        var indices: [[String?]: Int] = [:]
        var others: Int64 = 0
    }

    /// Creates a report that speaks through `logger`.
    package init(logger: Logger) { self.logger = logger }

    package func committed(_ epoch: ClosedEpoch) {
        guard !epoch.deadLetters.isEmpty else { return }
        let fresh = known.withLock { causes in epoch.deadLetters.filter { Self.count($0, in: &causes) } }
        for letter in fresh { tell(letter, epoch.partitionKeys[letter.partition]) }
    }

    /// How many letters there were of each cause, the most frequent first; the last may stand for all others.
    package var causes: [(first: RecordFault, isDead: Bool, count: Int64)] {
        known.withLock { causes in
            let sorted = causes.list.sorted { ($0.count, $1.first.reason) > ($1.count, $0.first.reason) }
            let others = (first: RecordFault("other", "other causes"), isDead: true, count: causes.others)
            return causes.others == 0 ? sorted : sorted + [others]
        }
    }

    /// Logs `causes`, once, at the end.
    package func conclude() {
        for cause in causes {
            var metadata = Self.metadata(of: cause.first)
            metadata["count"] = "\(cause.count)"
            metadata["first"] = "\(cause.first.reason)"
            // As the ledger and the last line of a run count them.
            logger.warning(cause.isDead ? "Dead letters" : "Refused records", metadata: metadata)
        }
    }

    /// Counts a letter. True when it is the first of its cause.
    private static func count(_ letter: DeadLetter, in causes: inout Causes) -> Bool {
        // A row that a trigger refuses has no constraint or column to be told by, but the SQLSTATE that was found.
        let fault = letter.fault
        let cause = [fault.code, fault.node, fault.field ?? fault.found, letter.isDead ? "dead" : "refused"]
        if let index = causes.indices[cause] {
            causes.list[index].count += 1
            return false
        }
        guard causes.list.count < causesMax else {
            causes.others += 1
            return false
        }
        causes.indices[cause] = causes.list.count
        causes.list.append((letter.fault, letter.isDead, 1))
        return true
    }

    /// What makes the cause of a fault.
    private static func metadata(of fault: RecordFault) -> Logger.Metadata {
        var metadata: Logger.Metadata = ["cause": "\(fault.code)"]
        if let node = fault.node { metadata["node"] = "\(node)" }
        if let field = fault.field { metadata["field"] = "\(field)" }
        return metadata
    }

    private func tell(_ letter: DeadLetter, _ key: PartitionKey) {
        var metadata = Self.metadata(of: letter.fault)
        metadata["reason"] = "\(letter.fault.reason)"
        metadata["from"] = "\(key)"
        metadata["offset"] = "\(letter.offset)"
        metadata["record"] = "\(Self.shown(letter.payload))"
        if letter.line > 0 { metadata["line"] = "\(letter.line)" }
        logger.warning(
            letter.isDead
                ? "A record is a dead letter; more of this cause are only counted"
                : "A record is refused; more of this cause are only counted", metadata: metadata)
    }

    /// The beginning of a record, whatever it holds, without what a terminal would take for a command.
    static func shown(_ payload: [UInt8]) -> String {
        var text = ""
        for scalar in String(decoding: payload.prefix(shownBytesMax), as: UTF8.self).unicodeScalars {
            let isPlain = scalar.properties.generalCategory != .control && scalar.properties.generalCategory != .format
            text += isPlain ? String(scalar) : scalar.escaped(asASCII: true)
        }
        return payload.count > shownBytesMax ? text + " ..." : text
    }
}
