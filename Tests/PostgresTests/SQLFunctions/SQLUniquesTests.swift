import Foundation
import Sketches
import Testing

@Suite(.enabled(if: ScratchCluster.binaries != nil, "needs Postgres server programs"), .scratchCluster)
struct SQLUniquesTests {
    private struct Vector: Decodable {
        let name: String
        let hex: String
        let improved_estimate: String
        let a_hex: String?
        let b_hex: String?
    }
    private struct Vectors: Decodable {
        let hll_vectors: [Vector]
    }

    private static let vectors: [Vector]? = {
        let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let file = package.appendingPathComponent("../shared/data/sketch_vectors.json").standardizedFileURL
        do {
            return try JSONDecoder().decode(Vectors.self, from: Data(contentsOf: file)).hll_vectors
        } catch {
            FileHandle.standardError.write(Data("SKIPPED: sketch vectors cannot be read: \(error)\n".utf8))
            return nil
        }
    }()

    @Test(
        .enabled(if: vectors != nil, "needs ../shared/data/sketch_vectors.json"), arguments: ScratchCluster.databases)
    func agreeWithTheSharedVectors(database: String) throws {
        let cluster = try #require(ScratchCluster.current)
        let vectors = try #require(Self.vectors)
        let script = vectors.map { vector in
            let (a, b) = (vector.a_hex ?? vector.hex, vector.b_hex ?? vector.hex)
            // Byte 1 is layout and version; 11 is EMPTY. A sketch that has seen a value is of at least one.
            let least = vector.hex.hasPrefix("11") ? 0 : 1
            return "SELECT millrace.uniques_estimate('\\x\(vector.hex)') = "
                + "greatest(\(least), \(vector.improved_estimate)::float8), "
                + "millrace.uniques_union('\\x\(a)', '\\x\(b)') = '\\x\(vector.hex)'::bytea, "
                + "millrace.uniques_union('\\x\(b)', '\\x\(a)') = '\\x\(vector.hex)'::bytea;"
        }
        let rows = try cluster.query(script.joined(separator: "\n"), in: database)
        try #require(rows.count == vectors.count)
        for (row, vector) in zip(rows, vectors) { #expect(row == "t|t|t", "\(vector.name)") }
    }

    /// The same random sketches, made by the extension, merged by it and by plain SQL.
    @Test(.enabled(if: ScratchCluster.hasExtension, "needs the hll extension"))
    func plainSQLMergesToTheBytesOfTheExtension() throws {
        let cluster = try #require(ScratchCluster.current)
        let parts = try cluster.query(Self.randomParts, in: "extended")
        #expect(parts.count > 400)
        let load =
            "CREATE TEMP TABLE parts (id int, sketch bytea);\n"
            + parts.map { line in
                let fields = line.split(separator: "|")
                return "INSERT INTO parts VALUES (\(fields[0]), '\\x\(fields[1])');\n"
            }.joined()
        let merge = """
            SELECT id, encode(millrace.uniques_merge(sketch), 'hex'),
                millrace.uniques_estimate(millrace.uniques_merge(sketch))
            FROM parts GROUP BY id ORDER BY id;

            """
        let plain = try cluster.query(load + merge, in: "plain")
        let extended = try cluster.query(load + merge, in: "extended")
        #expect(plain.count == 100)
        #expect(plain == extended)
        let native = """
            SELECT id, encode(sketches.hll_send(sketches.hll_union_agg(sketch::sketches.hll)), 'hex'),
                millrace.uniques_estimate(sketches.hll_send(sketches.hll_union_agg(sketch::sketches.hll)))
            FROM parts GROUP BY id ORDER BY id;

            """
        #expect(try cluster.query(load + native, in: "extended") == plain)
    }

    /// 100 parameter sets and multisets in up to 12 parts each: `id|hex` per part.
    private static let randomParts = """
        DO $$ BEGIN PERFORM setseed(0.42); END $$;
        CREATE TEMP TABLE plan AS SELECT id, (ARRAY[11, 12, 12, 14])[1 + id % 4] AS log2m,
            (ARRAY[0, 8, 32, -1])[1 + id / 4 % 4] AS threshold, (1 + 11 * random())::int AS parts,
            (10 ^ (4 * random()))::int AS size FROM generate_series(1, 100) AS id;
        SELECT id, encode(sketches.hll_send(sketches.hll_add_agg(
            sketches.hll_hash_bigint((size * random())::bigint), log2m, 5, threshold, 1)), 'hex')
        FROM plan, generate_series(1, parts) AS part, generate_series(0, size / part) AS value
        GROUP BY id, part, log2m, threshold ORDER BY id, part;

        """

    @Test(arguments: ScratchCluster.databases)
    func boundsEncloseTheEstimateAndAreEqualWhileExact(database: String) throws {
        let cluster = try #require(ScratchCluster.current)
        let lines = try cluster.query(
            """
            WITH s(v) AS (VALUES ('\\x118c44'::bytea), ('\\x128c440000000000000001'), ('\\x138c40005080'))
            SELECT millrace.uniques_low(v), millrace.uniques_high(v),
                millrace.uniques_low(v) <= millrace.uniques_estimate(v),
                abs(millrace.uniques_high(v) / nullif(millrace.uniques_estimate(v), 0) - 1.0325) < 1e-9 FROM s;
            SELECT millrace.uniques_merge(NULL) IS NULL;

            """, in: database)
        #expect(lines[0] == "0|0|t|")
        #expect(lines[1] == "1|1|t|f")
        #expect(lines[2].hasSuffix("|t|t"))
        #expect(lines[3] == "t")
    }

    @Test(arguments: ScratchCluster.databases)
    func badBytesAndDifferentParametersAreErrors(database: String) throws {
        let cluster = try #require(ScratchCluster.current)
        let bad = [
            "", "11", "118c", "218c44", "158c44", "118c4400", "128c44", "128c4400", "148c44", "13838c00", "11cc44",
            "128c4400000000000000020000000000000001",
            "138c443d5132f05bec534229e2153786bc456640bfa173187f5440", "138c40005000285080", "138c4008c801", "118cc4",
            "118c50",
        ]
        let script =
            """
            CREATE FUNCTION pg_temp.attempt(sketch bytea) RETURNS text LANGUAGE plpgsql AS $$
            BEGIN
                RETURN millrace.uniques_estimate(sketch);
            EXCEPTION WHEN invalid_binary_representation THEN
                RETURN 'refused';
            END $$;
            CREATE FUNCTION pg_temp.unite(a bytea, b bytea) RETURNS text LANGUAGE plpgsql AS $$
            BEGIN
                RETURN millrace.uniques_union(a, b);
            EXCEPTION WHEN others THEN
                RETURN 'refused';
            END $$;

            """
            + bad.map { "SELECT pg_temp.attempt('\\x\($0)'), pg_temp.unite('\\x\($0)', '\\x\($0)');\n" }.joined()
                + """
                SELECT pg_temp.unite('\\x138c40005080', '\\x138b4008c8'), pg_temp.unite('\\x118c44', '\\x118c40');

                """
        let lines = try cluster.query(script, in: database)
        try #require(lines.count == bad.count + 1)
        for (line, hex) in zip(lines, bad) { #expect(line.hasPrefix("refused|"), "\(hex)") }
        // The extension would read SPARSE words in any order: one rule everywhere.
        for (line, hex) in zip(lines, bad) where hex.hasPrefix("138c") { #expect(line == "refused|refused", "\(hex)") }
        if database == "plain" {
            for (line, hex) in zip(lines, bad.dropLast(4)) { #expect(line == "refused|refused", "\(hex)") }
        }
        #expect(lines.last?.hasPrefix("refused|") == true)
    }

    /// Crafted values fill every register; a value's hash may leave no trace. Both are numbers people can read.
    @Test(arguments: ScratchCluster.databases)
    func estimatesAreFiniteAtLeastOneAndNeverAboveTheNumberOfValues(database: String) throws {
        let cluster = try #require(ScratchCluster.current)
        let full = [0x14, 0x8c, 0x44] + [UInt8](repeating: 0xff, count: 2_560)
        let sketch = try unsafe full.withUnsafeBytes { try unsafe HyperLogLog(encoded: $0) }
        let bytes = SketchMaker.hex(full)
        let lines = try cluster.query(
            """
            SELECT ('x' || encode(float8send(millrace.uniques_estimate('\\x\(bytes)')), 'hex'))::bit(64)::bigint,
                millrace.uniques_estimate('\\x\(bytes)', 4096), millrace.uniques_low('\\x\(bytes)') > 0;
            SELECT millrace.uniques_estimate('\\x138c40'), millrace.uniques_estimate('\\x118c40'),
                millrace.uniques_estimate('\\x138c40', NULL), millrace.uniques_estimate(NULL, 3) IS NULL;

            """, in: database)
        #expect(lines == ["\(sketch.estimate().bitPattern)|4096|t", "1|0|1|t"])
    }

    /// The extension may come and go under the functions, and under what was prepared with them.
    @Test(.enabled(if: ScratchCluster.hasExtension, "needs the hll extension"))
    func theExtensionMayComeAndGo() throws {
        let cluster = try #require(ScratchCluster.current)
        _ = try cluster.query("CREATE DATABASE changing", in: "postgres")
        try cluster.installFunctions(in: "changing")
        let lines = try cluster.query(
            """
            PREPARE united AS SELECT millrace.uniques_merge(s),
                    millrace.uniques_union(min(s::text)::bytea, max(s::text)::bytea)
                FROM (VALUES ('\\x128c440000000000000001'::bytea), ('\\x128c440000000000000002')) AS v(s);
            EXECUTE united;
            CREATE EXTENSION hll;
            EXECUTE united;
            DROP EXTENSION hll;
            EXECUTE united;

            """, in: "changing")
        let united = "\\x128c4400000000000000010000000000000002"
        #expect(lines == Array(repeating: "\(united)|\(united)", count: 3))
        // In a database of its own: other tests work with the extension meanwhile.
        _ = try cluster.query("CREATE DATABASE going", in: "postgres")
        _ = try cluster.query("CREATE SCHEMA sketches; CREATE EXTENSION hll SCHEMA sketches", in: "going")
        try cluster.installFunctions(in: "going")
        _ = try cluster.query("DROP EXTENSION hll", in: "going")
        let merged = "SELECT millrace.uniques_union('\\x128c440000000000000001', '\\x118c44');"
        #expect(try cluster.query(merged, in: "going") == ["\\x128c440000000000000001"])
    }
}
