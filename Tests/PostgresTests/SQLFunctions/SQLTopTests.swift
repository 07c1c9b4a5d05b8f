import Sketches
import Testing

@Suite(.enabled(if: ScratchCluster.binaries != nil, "needs Postgres server programs"), .scratchCluster)
struct SQLTopTests {
    /// Sketches of one group, and what the engine makes of them.
    private struct Group {
        var parts: [[UInt8]] = []
        var united: FrequentItems

        init(_ kind: ItemKind) { united = FrequentItems(kind: kind) }
    }

    private static let kinds: [ItemKind] = [.text, .integer, .decimal(scale: 2), .boolean, .decimal(scale: 0)]

    private static func add(
        _ number: Int64, _ kind: ItemKind, to sketch: inout FrequentItems, _ random: inout SketchMaker
    )
        throws
    {
        let count = Int64.random(in: 1...3, using: &random)
        let level = SampleLevel.of(partition: 1, offset: Int64.random(in: 0...Int64.max, using: &random), within: 0)
        switch kind {
        case .text:
            // Words of many lengths, among them the empty one and some with letters of several bytes.
            let word =
                number == 0 ? "" : String(repeating: number % 7 == 0 ? "é" : "a", count: Int(number % 5)) + "\(number)"
            try unsafe Array(word.utf8).withUnsafeBytes {
                try unsafe sketch.add($0, count: count, level: level)
            }
        case .boolean:
            try unsafe [UInt8(truncatingIfNeeded: number & 1)].withUnsafeBytes {
                try unsafe sketch.add($0, count: count, level: level)
            }
        case .integer, .decimal:
            // Small ones, and some of every length.
            let value = number % 50 == 49 ? Int64(bitPattern: random.next()) >> (number & 63) : number - 20
            try unsafe ItemKind.withBytes(of: value) { bytes throws(SketchError) in
                try unsafe sketch.add(bytes, count: count, level: level)
            }
        }
    }

    private static func bytes(_ sketch: FrequentItems) -> [UInt8] {
        var (sketch, bytes) = (sketch, [UInt8]())
        sketch.encode(into: &bytes)
        return bytes
    }

    private static func groups(_ number: Int, _ random: inout SketchMaker) throws -> [Group] {
        try (0..<number).map { id in
            let kind = kinds[id % 5]
            var group = Group(kind)
            // One in forty has more values than are counted exactly, in one part or in several.
            let isLarge = id % 40 == 0
            for _ in 0..<Int.random(in: 1...(isLarge ? 4 : 9), using: &random) {
                var part = FrequentItems(kind: kind)
                for _ in 0..<Int.random(in: 0...(isLarge ? 1_600 : 12), using: &random) {
                    try add(Int64.random(in: 0..<(isLarge ? 5_000 : 30), using: &random), kind, to: &part, &random)
                }
                let encoded = bytes(part)
                try unsafe encoded.withUnsafeBytes { try unsafe group.united.merge(encoded: $0) }
                group.parts.append(encoded)
            }
            return group
        }
    }

    private static func shown(_ item: FrequentItems.Item, _ kind: ItemKind) -> String {
        let value: String
        switch kind {
        case .text: value = String(decoding: item.bytes, as: UTF8.self)
        case .boolean: value = item.bytes == [1] ? "true" : "false"
        case .integer, .decimal(scale: 0): value = "\(ItemKind.number(item.bytes))"
        case .decimal(let scale):
            let number = ItemKind.number(item.bytes)
            let digits = String(number.magnitude)
            let padded = String(repeating: "0", count: max(0, scale + 1 - digits.count)) + digits
            value = (number < 0 ? "-" : "") + padded.dropLast(scale) + "." + padded.suffix(scale)
        }
        return "\(value)=\(item.count)~\(item.error)"
    }

    /// More than ten thousand sketches, some with estimates.
    @Test func unionsHaveTheBytesAndTheListsOfTheEngine() throws {
        let cluster = try #require(ScratchCluster.current)
        var random = SketchMaker(seed: 91)
        var groups = try Self.groups(2_200, &random)
        var table = SketchTable("parts")
        for (id, group) in groups.enumerated() { for part in group.parts { table.add(id, part) } }
        #expect(groups.reduce(0) { $0 + $1.parts.count } > 10_000)
        let rows = try cluster.query(
            table.statements + """
                SELECT encode(s, 'hex'), millrace.top_total(s),
                    (SELECT string_agg(value || '=' || count || '~' || error, ' ' ORDER BY i)
                     FROM millrace.top(s, 7) WITH ORDINALITY AS t(value, count, error, i))
                FROM (SELECT id, millrace.top_merge(sketch) AS s FROM parts GROUP BY id) AS united ORDER BY id;

                """, in: "plain")
        try #require(rows.count == groups.count)
        for index in groups.indices {
            let kind = groups[index].united.kind
            let top = groups[index].united.top(7).map { Self.shown($0, kind) }.joined(separator: " ")
            let total = groups[index].united.total
            #expect(
                rows[index] == "\(SketchMaker.hex(Self.bytes(groups[index].united)))|\(total)|\(top)",
                "seed 91, group \(index)")
        }
    }

    @Test func theListIsThatOfTheColumn() throws {
        let cluster = try #require(ScratchCluster.current)
        let rows = try cluster.query(
            """
            SELECT millrace.top_json('\\x4100020161030801620301', 3);
            SELECT millrace.top_json('\\x4122020105050401fb0601', 1);
            SELECT millrace.top_json('\\x4101020100010101010201', 9);
            SELECT millrace.top_json('\\x410000', 9), millrace.top_total('\\x410000'), count(*)
            FROM millrace.top('\\x410000', 3);
            SELECT millrace.top_merge(NULL) IS NULL, millrace.top_union(NULL, '\\x410200') IS NULL;

            """, in: "plain")
        #expect(
            rows == [
                #"[{"count": 3, "error": 0, "value": "a"}, {"count": 3, "error": 0, "value": "b"}]"#,
                #"[{"count": 6, "error": 0, "value": -0.05}]"#,
                #"[{"count": 2, "error": 0, "value": true}, {"count": 1, "error": 0, "value": false}]"#,
                "[]|0|0", "t|t",
            ])
    }

    /// Engine and SQL refuse the same bytes.
    @Test func damagedBytesAreRefusedWhereTheEngineRefusesThem() throws {
        let cluster = try #require(ScratchCluster.current)
        var random = SketchMaker(seed: 92)
        var damaged: [[UInt8]] = [
            [], [0x41], [0x41, 0], [0x43, 0, 0], [0x10, 0], [0x20, 0], [0x30], [0x41, 3, 0], [0x41, 0x33, 0],
            [0x41, 0, 1, 1, 0xff, 1, 0], [0x41, 0, 1, 0, 1, 0], [0x41, 2, 1, 0, 1, 0],
        ]
        let groups = try Self.groups(41, &random)
        for round in 0..<1_500 {
            let group = groups[round % 30 == 0 ? 40 : Int.random(in: 1...39, using: &random)]
            damaged.append(random.damaged(group.parts.randomElement(using: &random) ?? [0x41, 0, 0]))
        }
        var table = SketchTable("damaged")
        for (id, bytes) in damaged.enumerated() { table.add(id, bytes) }
        let lines = try cluster.query(
            """
            CREATE FUNCTION pg_temp.attempt(sketch bytea) RETURNS text LANGUAGE plpgsql AS $$
            BEGIN
                RETURN encode((SELECT millrace.top_merge(s) FROM (VALUES (sketch)) AS v(s)), 'hex');
            EXCEPTION WHEN invalid_binary_representation OR numeric_value_out_of_range THEN
                RETURN 'refused';
            END $$;

            """ + table.statements + "SELECT pg_temp.attempt(sketch) FROM damaged ORDER BY id;\n", in: "plain")
        try #require(lines.count == damaged.count)
        for (line, bytes) in zip(lines, damaged) {
            var found = "refused"
            for kind in Self.kinds + [.decimal(scale: 18)] where bytes.count > 1 {
                var sketch = FrequentItems(kind: kind)
                let isRead = (try? unsafe bytes.withUnsafeBytes { try unsafe sketch.merge(encoded: $0) }) != nil
                if isRead { found = SketchMaker.hex(Self.bytes(sketch)) }
            }
            // A damaged kind may be another decimal.
            if line != "refused", found == "refused", bytes[1] >> 5 == 1 { continue }
            #expect(line == found, "seed 92, \(SketchMaker.hex(bytes))")
        }
    }

    @Test func mistakesSayWhatWasGiven() throws {
        let cluster = try #require(ScratchCluster.current)
        let cases = [
            ("top('\\x118c44', 3)", "this is a sketch of uniques(); use uniques_estimate()"),
            ("top('\\x2120', 3)", "this is a sketch of percentiles(); use percentile()"),
            ("top('\\x30', 3)", "this is the exact sum of doubles; use sum_exact()"),
            ("uniques_estimate('\\x410000')", "this is a sketch of top(); use top()"),
            ("percentile('\\x410000', 0.5)", "this is a sketch of top(); use top()"),
            ("sum_exact('\\x410000')", "this is a sketch of top(); use top()"),
            ("top_union('\\x410000', '\\x410200')", "values of different kinds, found codes 0 and 2"),
        ]
        let said = try cluster.complaints(about: cases.map(\.0), in: "plain")
        for (line, (call, expected)) in zip(said, cases) { #expect(line.contains(expected), "\(call): \(line)") }
    }
}
