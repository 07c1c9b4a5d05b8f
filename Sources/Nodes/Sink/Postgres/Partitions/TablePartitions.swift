import Foundation
import Postgres
import Summaries

/// The partitions of a table whose rows are kept for a while: made as rows come, dropped when all their windows are old.
///
/// They are made in the transaction of a commit, and dropped in one of their own; both hold the table's ticket
/// (`CommitTicket`), so that no row is written into a partition that goes. What the age of a row is compared with is the
/// database's clock.
///
/// Windows that are past their time already when they are written, as those of a backlog are, share wide partitions, which
/// the next drop takes as a whole: with one of each hour, months of a backlog would be thousands.
final class TablePartitions {
    /// A partition.
    struct Part: Sendable {
        /// Its quoted name with its schema.
        var quoted: String
        /// Window starts that it holds, in microseconds since 1970.
        var bounds: Range<Int64>
        /// Whether it was made for windows whose time had passed.
        var isWide: Bool
    }

    let place: TablePlace
    /// How long rows are kept after their window has ended, in microseconds; nil for good.
    let keep: Int64?
    /// No window of the table is longer, in microseconds.
    private let longestWindow: Int64
    private let unit: PartitionUnit
    /// What partitions that are there hold; used by the commit thread.
    private var known: Stretches
    /// Made in the transaction that is under way.
    private var pending: [Range<Int64>] = []

    /// How many there may be: a million records of a million different days are a mistake.
    static let partsMax = 2_000
    /// Partitions dropped in one transaction.
    private static let dropsMax = 50
    /// How the comment of a partition that Millrace has made ends.
    private static let mark = "(Millrace: a partition)"
    /// How the comment of a wide one begins.
    private static let wideMark = "rows past their time of "

    /// Finds the partitions of a table.
    /// - Returns: nil when the table has none, or none of Millrace's.
    init?(of place: TablePlace, _ sink: TableSink, _ connection: inout Connection) throws {
        guard let oid = place.oid, try Self.isOurs(place, &connection) else { return nil }
        let parts = try Self.parts(of: oid, &connection)
        // Without `keep` in the file its table stays as it is; one that somebody else has partitioned is not touched.
        if sink.keep == nil, parts.isEmpty { return nil }
        self.place = place
        keep = sink.keep
        longestWindow = sink.plan.windows.map(\.function.longest).max() ?? 0
        let found = parts.lazy.filter { !$0.isWide }.compactMap {
            PartitionUnit(length: $0.bounds.upperBound - $0.bounds.lowerBound)
        }
        unit = found.first ?? PartitionUnit(keeping: sink.keep ?? .max)
        known = Stretches(parts.map(\.bounds))
    }

    /// Whether a table is partitioned as Millrace does it, by nobody else.
    static func isOurs(_ place: TablePlace, _ connection: inout Connection) throws -> Bool {
        try connection.query(
            """
            SELECT EXISTS (SELECT 1 FROM pg_partitioned_table t JOIN pg_attribute a ON a.attrelid = t.partrelid
                AND a.attnum = ANY (t.partattrs::int2[])
                WHERE t.partrelid::bigint = $1 AND t.partstrat = 'r' AND t.partnatts = 1 AND a.attname = 'window_start')
                AND NOT EXISTS (SELECT 1 FROM pg_inherits i WHERE i.inhparent::bigint = $1
                    AND coalesce(obj_description(i.inhrelid, 'pg_class'), '') NOT LIKE $2)
            """, [.int64(place.oid ?? 0), .text("%" + mark)]
        ).bool(0, 0) == true
    }

    private static func parts(of oid: Int64, _ connection: inout Connection) throws -> [Part] {
        let found = try connection.query(
            """
            SELECT format('%I.%I', n.nspname, c.relname), (extract(epoch FROM b[1]::timestamptz) * 1000000)::bigint,
                (extract(epoch FROM b[2]::timestamptz) * 1000000)::bigint,
                starts_with(coalesce(obj_description(c.oid, 'pg_class'), ''), $3)
            FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_namespace n ON n.oid = c.relnamespace,
                regexp_match(pg_get_expr(c.relpartbound, c.oid), $2) AS b
            WHERE i.inhparent::bigint = $1 AND b IS NOT NULL ORDER BY 2
            """, [.int64(oid), .text(#"FROM \('([^']+)'\) TO \('([^']+)'\)"#), .text(wideMark)])
        return try (0..<found.rowCount).map { row in
            let start = try found.int64(row, 1) ?? 0
            return Part(
                quoted: try found.text(row, 0) ?? "", bounds: start..<max(start, try found.int64(row, 2) ?? 0),
                isWide: try found.bool(row, 3) ?? false)
        }
    }

    // MARK: - Making them

    /// Makes what the groups of a delta need, in the transaction that writes them.
    func ensure(_ delta: SummaryDelta, window: Int?, _ connection: inout Connection) throws {
        pending = []
        let needed = partitions(of: delta, window)
        // One that is old enough to be dropped may have been, by another instance.
        let soon = Int64(Date.now.timeIntervalSince1970 * 1e6) + 2 * 86_400_000_000
        if needed.allSatisfy({ known.covers($0) && !isOld($0, at: soon) }) { return }
        let there = try Self.parts(of: place.oid ?? 0, &connection)
        known = Stretches(there.map(\.bounds))
        let missing = missing(of: needed, at: try Self.now(&connection))
        guard there.count + missing.count <= Self.partsMax else {
            throw SinkError(
                code: .refused,
                description:
                    "table \(place.shown): its rows would need \(there.count + missing.count) partitions, found windows from "
                    + "\(Self.text(missing[0].bounds.lowerBound)) to \(Self.text(missing[missing.count - 1].bounds.upperBound)), "
                    + "expected at most \(Self.partsMax); records with such times are most often mistakes: bound them with "
                    + "too_early in summarize; where `keep` has been made much longer, make the table anew, with longer "
                    + "partitions: millrace rebuild FILE"
            )
        }
        for part in missing { try make(part.bounds, isWide: part.isWide, &connection) }
        pending = missing.map(\.bounds)
    }

    /// What is to be made so that there is a place for all windows of some units: in order of time.
    private func missing(of needed: Set<Range<Int64>>, at now: Int64) -> [(bounds: Range<Int64>, isWide: Bool)] {
        var known = known
        var missing: [(bounds: Range<Int64>, isWide: Bool)] = []
        for bounds in needed.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            for gap in known.gaps(in: bounds) {
                let isWide = isOld(bounds, at: now)
                let made = isWide ? known.gap(around: gap, within: past(from: gap, at: now)) : gap
                known.insert(made)
                missing.append((made, isWide))
            }
        }
        return missing
    }

    /// All that is past its time, from a stretch on: from the beginning of its month, lest each commit that reads on
    /// backwards need a partition of its own.
    private func past(from stretch: Range<Int64>, at now: Int64) -> Range<Int64> {
        let first = PartitionUnit.month.bounds(around: stretch.lowerBound).lowerBound
        return first..<max(stretch.upperBound, unit.bounds(around: now - (keep ?? 0) - longestWindow).lowerBound)
    }

    private static func now(_ connection: inout Connection) throws -> Int64 {
        try connection.query("SELECT (extract(epoch FROM now()) * 1000000)::bigint").int64(0, 0) ?? 0
    }

    /// The transaction in which `ensure` was called last is committed.
    func committed() {
        for bounds in pending { known.insert(bounds) }
        pending = []
    }

    /// What is there is looked up again: the server may be another one, or somebody has dropped a partition.
    func forget() {
        known = Stretches([])
        pending = []
    }

    private func partitions(of delta: SummaryDelta, _ window: Int?) -> Set<Range<Int64>> {
        var found: Set<Range<Int64>> = []
        var last: Range<Int64>?
        for groups in delta.sets where window == nil || groups.window == window {
            for group in 0..<groups.groupCount {
                guard let start = groups.windowStart(ofGroup: group), last?.contains(start) != true else { continue }
                let bounds = unit.bounds(around: start)
                found.insert(bounds)
                last = bounds
            }
        }
        return found
    }

    private func make(_ bounds: Range<Int64>, isWide: Bool, _ connection: inout Connection) throws {
        let suffix = isWide ? unit.suffix(before: bounds.upperBound) : unit.suffix(from: bounds.lowerBound)
        let name = try freeName(suffix, &connection)
        let comment = "\(isWide ? Self.wideMark : "rows of ")\(place.shown) \(Self.mark)"
        let quoted = "\(SQLName.quote(place.schema)).\(SQLName.quote(name))"
        // Attaching does not lock readers and writers out, which making it in one step would.
        try connection.execute(
            """
            CREATE TABLE \(quoted) (LIKE \(place.quoted) INCLUDING ALL) WITH (\(SummaryTable.storageParameters));
            COMMENT ON TABLE \(quoted) IS \(SQLName.literal(comment));
            ALTER TABLE \(place.quoted) ATTACH PARTITION \(quoted)
                FOR VALUES FROM (to_timestamp(\(bounds.lowerBound / 1_000_000))) TO (to_timestamp(\(bounds.upperBound / 1_000_000)))
            """)
    }

    private func freeName(_ suffix: String, _ connection: inout Connection) throws -> String {
        var suffix = suffix
        while true {
            var name = place.name
            while name.utf8.count + suffix.utf8.count > 63 { name.removeLast() }
            name += suffix
            let there = try connection.query(
                "SELECT to_regclass($1)::oid::bigint",
                [.text("\(SQLName.quote(place.schema)).\(SQLName.quote(name))")])
            if there.isNull(0, 0) { return name }
            suffix += "_"
        }
    }

    // MARK: - Dropping them

    /// Whether all windows of a partition ended longer ago than rows are kept.
    private func isOld(_ bounds: Range<Int64>, at now: Int64) -> Bool {
        guard let keep else { return false }
        return bounds.upperBound + longestWindow + keep <= now
    }

    /// Whether the partition of a window may have been dropped.
    func isForgotten(_ windowStart: Int64, at now: Int64) -> Bool { isOld(unit.bounds(around: windowStart), at: now) }

    /// Drops partitions that are old, inside a transaction that somebody else opens and commits.
    ///
    /// Dropping locks the whole table for a moment; when somebody reads it for long, it is given up, and tried again later.
    /// - Returns: how many, and up to when rows are gone; nil when there are none.
    func dropOld(_ connection: inout Connection) throws -> (count: Int, end: String)? {
        guard keep != nil, let oid = place.oid else { return nil }
        let now = try Self.now(&connection)
        guard try Self.parts(of: oid, &connection).contains(where: { isOld($0.bounds, at: now) }) else { return nil }
        try connection.execute("SET LOCAL lock_timeout = '1s'")
        var names = ArrayBuilder(.text)
        names.append(place.quoted)
        try connection.query(CommitTicket.sql, [.array(names)])
        let old = try Self.parts(of: oid, &connection).filter { isOld($0.bounds, at: now) }.prefix(Self.dropsMax)
        for part in old { try connection.execute("DROP TABLE \(part.quoted)") }
        if let last = old.last { try TableRecord.note(droppedBefore: last.bounds.upperBound, of: place, &connection) }
        return old.last.map { (old.count, Self.text($0.bounds.upperBound)) }
    }

    /// What `dropOld` would drop as soon as the topology runs; nil when that is nothing.
    func old(_ connection: inout Connection) throws -> (rows: Int64, end: String)? {
        guard keep != nil, let oid = place.oid else { return nil }
        let now = try Self.now(&connection)
        guard let last = try Self.parts(of: oid, &connection).last(where: { isOld($0.bounds, at: now) }) else {
            return nil
        }
        let end = Self.text(last.bounds.upperBound)
        let rows =
            try connection.query(
                "SELECT count(*) FROM \(place.quoted) WHERE window_start < $1::timestamptz", [.text(end)]
            ).int64(0, 0) ?? 0
        return rows > 0 ? (rows, end) : nil
    }

    private static func text(_ microseconds: Int64) -> String {
        Date(timeIntervalSince1970: Double(microseconds) / 1e6).formatted(.iso8601)
    }
}
