package import Dataflow
import Declaration

/// Which records of a summary are too late or too early, by the clock of their own partition and never by that of the wall.
package struct EventTimeBounds: Hashable, Sendable {
    /// How far behind the clock a record may be, in microseconds; nil: as far as it likes.
    package var late: Int64?
    /// How far ahead of it, and of the time by which the record was written.
    package var early: Int64
    /// The name of the event time.
    package var field: String

    /// Bounds.
    package init(late: Int64?, early: Int64, field: String) {
        self.late = late
        self.early = early
        self.field = field
    }

    /// What they are, in canonical form; kept with tables.
    package var definition: String {
        let behind = late.map { ", at most \(Tumbling.text($0)) behind it" } ?? ""
        return "the event time is at most \(Tumbling.text(early)) ahead of the clock of its partition\(behind)"
    }

    /// Why a record is refused; nil when it is not.
    /// - Parameters:
    ///   - time: its event time.
    ///   - clock: what its partition's clock showed before it, `Int64.min` for nothing yet.
    ///   - written: the moment by which it was written, nil when nobody knows.
    package func verdict(on time: Int64, clock: Int64, written: Int64?) -> Verdict {
        guard clock != .min else { return .taken }
        if let late, EventClock.isBeyond(clock, time, late) { return .late }
        guard EventClock.isBeyond(time, clock, early) else { return .taken }
        // After a silence a partition goes on at the time of its messages, which is nobody's wrong clock.
        if let written, !EventClock.isBeyond(time, written, early) { return .taken }
        return .early
    }

    /// What becomes of a record.
    package enum Verdict: Sendable {
        /// It is counted.
        case taken
        /// It is too far behind.
        case late
        /// It is too far ahead.
        case early
    }

    /// What is wrong with a record that is not taken.
    /// - Parameter witness: what said by when it was written, such as `its message`; nil for nothing.
    package func fault(_ verdict: Verdict, witness: String?) -> RecordFault? {
        switch verdict {
        case .taken: nil
        case .late:
            RecordFault(
                "too_late", field: field,
                "\(field) is more than \(Tumbling.text(late ?? 0)) behind what its partition had shown before (too_late)"
            )
        case .early:
            RecordFault(
                "too_early", field: field,
                "\(field) is more than \(Tumbling.text(early)) ahead of what its partition had shown before"
                    + (witness.map { ", and of \($0)" } ?? "") + " (too_early)")
        }
    }
}

extension EventTimeBounds {
    /// Reads `too_late` and `too_early`; nil when there are none, or a problem says what is wrong.
    static func declared(
        in node: NodeDeclaration, _ input: RecordSchema, _ problems: inout Diagnostics
    ) -> EventTimeBounds? {
        let (late, early) = (node.config["too_late"], node.config["too_early"])
        guard let place = (early ?? late)?.location else { return nil }
        if input.eventTimeColumn == nil, !input.eventTimeIsUnresolved {
            problems.append(
                Diagnostic(
                    code: "no-event-time", at: place, "bounds of event time need an event time",
                    hint: "add `event_time: <timestamp field>` to the parse_json node"))
        }
        guard let early else {
            problems.append(
                Diagnostic(
                    code: "late-without-early", at: place,
                    "found `too_late` without `too_early`: one record whose clock is ahead would make all others late",
                    hint: "add, for example, too_early: 10m"))
            return nil
        }
        guard let ahead = early.duration else { return nil }
        let field = input.fields.first { $0.column == input.eventTimeColumn }?.name ?? "the event time"
        return EventTimeBounds(late: late?.duration?.wholeMicroseconds, early: ahead.wholeMicroseconds, field: field)
    }
}
