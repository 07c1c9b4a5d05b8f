import Postgres

/// Whether the table holds what the topology's positions say: no less, and no more.
extension TableAdmission {
    mutating func checkHistory(
        _ own: TableRecord?, _ entries: [TopologyLedger.Entry], isEmpty: Bool, _ connection: inout Connection
    ) throws {
        guard let own else { return checkFirstUse(entries, isEmpty: isEmpty) }
        let knowsPlace = own.place == database
        if entries.read == 0 {
            // It is not empty, or it would be fresh.
            if own.hasRows || own.topology.isEmpty { rowsWithoutPositions(of: own) }
            return
        }
        if place.oid == nil || (knowsPlace && own.oid != place.oid) {
            let elsewhere = try knowsPlace ? Self.name(of: own.oid, &connection) : nil
            return lacks(
                place.oid == nil ? "it is gone" : "it was dropped and made again since the last start", entries,
                elsewhere: elsewhere)
        }
        if isEmpty, own.hasRows {
            guard knowsPlace else { return lacks("it was restored without its rows", entries) }
            if place.storage != 0, own.storage != place.storage { return lacks("it was emptied", entries) }
            warnings.append(
                "table \(place.shown): all its rows were deleted since the last start, of \(entries.summary); what they "
                    + "counted is gone, new rows are made from here")
        }
        checkFeed(own)
    }

    /// Whether the topology has read something for the table while it did not write it.
    mutating func checkFeed(_ own: TableRecord) {
        if let left = own.leftRead {
            let since = ledger.entries(of: own.feed, elsewhere: []).read - left
            if since < 0 { return rowsWithoutPositions(of: own) }
            if since > 0 {
                gap("topology \(topology) ran without it for a while and read \(since) events, which it lacks")
            }
        }
        guard !own.topology.isEmpty else { return }
        // A topic that comes back, and of which nothing was read meanwhile, is in the table as far as it was read.
        let added = sink.feed.topics.subtracting(own.feed).filter { own.formerFeed[$0] != read(of: $0) }
        let unknown = ledger.entries(of: added, elsewhere: sink.feed.elsewhere.union(own.feed))
        guard unknown.read > 0 else { return }
        gap(
            "it is fed by another source now, of which topology \(topology) has read \(unknown.summary) already, which the "
                + "table would lack")
    }

    /// Records of a topic that the topology has read.
    private func read(of topic: String) -> Int64 { ledger.entries(of: [topic], elsewhere: []).read }

    /// Topics that fed the table and do not any longer. Files have no names by which they could come back.
    func formerFeed(_ own: TableRecord?) -> [String: Int64] {
        guard let own else { return [:] }
        var former = own.formerFeed
        // One that the table was left with was read up to then only.
        if own.leftRead == nil {
            for topic in own.feed where topic != TableFeed.rest { former[topic] = read(of: topic) }
        }
        return former.filter { !sink.feed.topics.contains($0.key) }
    }

    mutating func gap(_ text: String, choices: [String] = []) {
        partial.append("rows")
        problems.append(TableProblem(text: text, choices: choices, isAcceptable: true, isMendedByReading: true))
    }

    static func name(of oid: Int64?, _ connection: inout Connection) throws -> String? {
        guard let oid else { return nil }
        let found = try connection.query(
            """
            SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.oid::bigint = $1
            """, [.int64(oid)])
        return found.rowCount == 1 ? try found.text(0, 0) : nil
    }

    mutating func checkFirstUse(_ entries: [TopologyLedger.Entry], isEmpty: Bool) {
        let isKnown = records.contains { !$0.topology.isEmpty && ($0.schema, $0.name) == (place.schema, place.name) }
        if !isEmpty, !isKnown {
            partial.append("rows")
            problems.append(
                TableProblem(
                    text:
                        "it holds rows that no topology of this database has written (millrace.tables does not know it), "
                        + "and new ones would be added to them: whatever they counted and is read again would count twice",
                    choices: [
                        "rename it, so that Millrace can make its own: ALTER TABLE \(place.quoted) RENAME TO …;",
                        "or empty it: TRUNCATE \(place.quoted);",
                        "or, if Millrace wrote them and schema millrace was lost since, restore that too",
                    ]))
        }
        if entries.read > 0 { lacks(place.oid == nil ? "it is new" : "it is new to this topology", entries) }
    }

    mutating func lacks(_ what: String, _ entries: [TopologyLedger.Entry], elsewhere: String? = nil) {
        gap(
            "\(what), and topology \(topology) has read \(entries.summary) already, which the table would lack",
            choices: elsewhere.map {
                ["what was the table is called \($0) now: write `table: \($0)`, or give it its name back"]
            } ?? [])
    }

    mutating func rowsWithoutPositions(of own: TableRecord) {
        partial.append("rows")
        // Where the source is the one of before, its positions have gone back, however much they still say.
        let former = ledger.entries(
            of: own.feed.subtracting(sink.feed.topics), elsewhere: sink.feed.elsewhere.union(sink.feed.topics))
        guard former.read == 0 else {
            problems.append(
                TableProblem(
                    text:
                        "its rows were made of another source, \(former.summary); events that both sources hold would "
                        + "count twice",
                    choices: [
                        "read from that source as before",
                        "make the table anew from this one, beside it: millrace rebuild FILE",
                        "or use a table, or a topology, of its own for this source",
                    ]))
            return
        }
        problems.append(
            TableProblem(
                text: "it holds rows, and the positions of topology \(topology) that belong to them are gone "
                    + "(millrace.partitions): everything read again would count twice",
                choices: [
                    "restore millrace.partitions from the backup that the rows are of",
                    "or empty the table, so that it is read again from the start: TRUNCATE \(place.quoted);",
                ]))
    }
}
