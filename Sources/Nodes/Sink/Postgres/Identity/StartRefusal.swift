import Postgres

/// Why a topology does not start: its tables' problems, each with the ways out.
struct StartRefusal {
    let topology: String
    let refused: [TableAdmission]
    let all: [TableAdmission]
    let records: [TableRecord]

    /// The error, whose description is a paragraph per table and a line per choice.
    var error: SinkError {
        let problems = refused.flatMap(\.problems)
        let code: SinkError.Code =
            problems.contains { $0.isMendedByReading } ? .historyMismatch : .definitionMismatch
        var lines: [String] = []
        for admission in refused {
            for problem in admission.problems {
                lines.append("table \(admission.place.shown): \(problem.text)")
                lines += problem.choices.map { "  - " + $0 }
            }
        }
        if problems.allSatisfy(\.isAcceptable) {
            lines.append(
                "  - to go on from here with what is there, and a warning: millrace run FILE --from-now, or "
                    + "millrace deploy FILE --from-now where it is served")
        }
        if problems.contains(where: \.isMendedByReading) { lines += readingAgain }
        lines.append("Nothing was read or changed.")
        return SinkError(code: code, description: lines.joined(separator: "\n"))
    }

    private var readingAgain: [String] {
        let lacking = refused.filter { $0.problems.contains(where: \.isMendedByReading) }
        let names = lacking.map(\.place.shown).joined(separator: ", ")
        let known = lacking.filter { admission in
            records.contains {
                $0.topology == topology && ($0.schema, $0.name) == (admission.place.schema, admission.place.name)
            }
        }
        let first = known.map { admission in
            "DELETE FROM millrace.tables WHERE table_schema = \(SQLName.literal(admission.place.schema)) AND table_name = "
                + "\(SQLName.literal(admission.place.name)) AND topology = \(SQLName.literal(topology));"
        }
        let handOver = first.isEmpty ? "" : " after " + first.joined(separator: " ")
        return [
            "  - to read again what the sources still have into \(names) alone, beside this topology: move the sink and "
                + "what feeds it into a file with another `topology:` name, `start: earliest` and no `group:` of this one, "
                + "and run it\(handOver)",
            everythingAgain,
        ]
    }

    /// The statements that begin the whole topology anew.
    private var everythingAgain: String {
        if all.contains(where: \.sink.isShared) || records.contains(where: { $0.topology == topology && $0.isShared }) {
            return "  - (reading everything again is no choice while tables are shared with other topologies)"
        }
        let tables = all.filter { $0.place.oid != nil }.map(\.place.quoted)
        let truncate = tables.isEmpty ? "" : "TRUNCATE \(tables.sorted().joined(separator: ", ")); "
        let name = SQLName.literal(topology)
        return
            "  - to read everything again, as far as the sources still have it (what they no longer have is lost, and a "
            + "topic with `start: latest` begins at its end): stop all instances of \(topology), then "
            + "BEGIN; \(truncate)DELETE FROM millrace.dead_letters WHERE topology = \(name); "
            + "DELETE FROM millrace.partitions WHERE topology = \(name); COMMIT; and start again"
    }
}
