import LocalServices
import LookupSources
import Lookups
import Platform
import Postgres
import Testing

/// Dimensions in tables and queries of a real Postgres.
@Suite struct PostgresSourceTests {
    private static let cluster = Result<PrivatePostgres, LocalServiceError> {
        () throws(LocalServiceError) in try PrivatePostgres.start()
    }

    private static func settings(user: String = "postgres") throws -> ConnectionSettings {
        try ConnectionSettings(url: cluster.get().url(user: user))
    }

    private static func execute(_ sql: String) throws {
        var connection = try Connection.connect(settings(), deadline: .now + .seconds(20))
        try connection.execute(sql)
    }

    @Test func aTableOfEveryType() throws {
        try Self.execute(
            """
            CREATE SCHEMA every;
            CREATE TYPE every.mood AS ENUM ('good', 'bad');
            CREATE TABLE every."Dim ""1" (
                id uuid, "Name" varchar(20), n smallint, price numeric, ratio real, on_ boolean, at timestamptz, mood every.mood);
            INSERT INTO every."Dim ""1" VALUES
                ('00000000-0000-0000-0000-000000000001', 'é', 7, 4.5, 0.5, true, '2026-01-02 03:04:05.678901+00', 'bad'),
                (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
                ('00000000-0000-0000-0000-000000000002', '', -7, -4.500, -0.5, false, '1969-12-31 23:59:59+00', 'good');
            """)
        let fields = [
            DimensionField("id", .text), DimensionField("Name", .text), DimensionField("n", .integer),
            DimensionField("price", .decimal(scale: 2)), DimensionField("ratio", .double),
            DimensionField("on_", .boolean),
            DimensionField("at", .timestamp), DimensionField("mood", .text),
        ]
        let rows = try read(PostgresSource(Self.settings(), .table("every.Dim \"1")), fields)
        #expect(
            rows == [
                [
                    .text("00000000-0000-0000-0000-000000000001"), .text("é"), .integer(7), .integer(450), .double(0.5),
                    .integer(1), .integer(1_767_323_045_678_901), .text("bad"),
                ],
                Array(repeating: .null, count: 8),
                [
                    .text("00000000-0000-0000-0000-000000000002"), .text(""), .integer(-7), .integer(-450),
                    .double(-0.5),
                    .integer(0), .integer(-1_000_000), .text("good"),
                ],
            ])
    }

    @Test func aQueryGivesItsColumns() throws {
        let source = try PostgresSource(
            Self.settings(), .query("SELECT g AS a, g * 2 AS b FROM generate_series(1, 3) g -- x"))
        let fields = [DimensionField("b", .integer), DimensionField("a", .text)]
        #expect(
            try read(source, fields) == [
                [.integer(2), .text("1")], [.integer(4), .text("2")], [.integer(6), .text("3")],
            ])
    }

    @Test func whatIsWrongIsNamedWithTheWayOut() throws {
        try Self.execute(
            """
            CREATE TABLE wrong (k text, price numeric, at date, until timestamptz);
            INSERT INTO wrong VALUES ('a', 1.005, '2026-01-01', 'infinity');
            CREATE ROLE nobody LOGIN;
            """)
        func message(_ rows: PostgresSource.Rows, _ fields: [DimensionField], user: String = "postgres") throws
            -> String?
        {
            #expect(throws: LookupError.self) {
                _ = try read(PostgresSource(Self.settings(user: user), rows), fields)
            }?.message
        }
        let key = [DimensionField("k", .text)]
        #expect(
            try message(.table("missing"), key)
                == "table missing: postgres[42P01]: relation \"missing\" does not exist; create it, or name its schema")
        #expect(
            try message(.table("wrong"), [DimensionField("x", .text)])?.hasPrefix("table wrong: postgres[42703]: ")
                == true)
        #expect(
            try message(.table("wrong"), key, user: "nobody")
                == "table wrong: postgres[42501]: permission denied for table wrong (table wrong); GRANT SELECT to this role"
                || message(.table("wrong"), key, user: "nobody")?.hasSuffix("; GRANT SELECT to this role") == true)
        #expect(
            try message(.table("wrong"), [DimensionField("at", .timestamp)])
                == "table wrong: column at has type date, expected timestamptz, timestamp for timestamp; declare another type, "
                + "or cast it in a query")
        #expect(
            try message(.table("wrong"), [DimensionField("price", .decimal(scale: 2))])
                == "table wrong: column price: a number with more than 2 digits behind the point, or beyond 64 bits, expected "
                + "decimal(2); declare more digits, or round it in a query")
        #expect(
            try message(.table("wrong"), [DimensionField("until", .timestamp)])
                == "listener: column until: an infinite timestamp, expected an instant; make it null in a query")
        #expect(try message(.query("SELEC 1"), key)?.hasPrefix("query: postgres[42601]: syntax error") == true)
    }

    @Test func aTableIsLoadedAndRefreshed() throws {
        try Self.execute(
            """
            CREATE TABLE campaigns AS
            SELECT 'c' || g AS campaign, 'advertiser ' || g % 100 AS advertiser FROM generate_series(1, 20000) g
            """)
        let schema = DimensionSchema(
            keys: [DimensionField("campaign", .text)], cells: [DimensionField("advertiser", .text)])
        let table = DimensionTable(name: "lookup", schema: schema)
        let source = try PostgresSource(Self.settings(), .table("campaigns"))
        let first = try table.load(from: source)
        #expect(first.rows == 20_000)
        #expect(try table.load(from: source).digest == first.digest)
        try Self.execute("UPDATE campaigns SET advertiser = 'new' WHERE campaign = 'c7'")
        let second = try table.load(from: source)
        #expect(second.number == 2)
        #expect(second.digest != first.digest)
        try Self.execute("INSERT INTO campaigns VALUES ('c7', 'twice')")
        let error = #expect(throws: LookupError.self) { try table.load(from: source) }
        #expect(error?.code == .duplicateKey)
        #expect(table.generation == second)
    }

    @Test func validityMayBeInfinite() throws {
        let schema = DimensionSchema(
            keys: [DimensionField("k", .text)], cells: [DimensionField("v", .integer)],
            validity: .init(from: "since", to: "until"))
        let query = """
            SELECT 'a' AS k, 1 AS v, '-infinity'::timestamptz AS since, '2026-01-01'::timestamptz AS until
            UNION ALL SELECT 'a', 2, '2026-01-01', 'infinity'
            """
        let table = DimensionTable(name: "lookup", schema: schema)
        let generation = try table.load(from: PostgresSource(Self.settings(), .query(query)))
        let nulls = query.replacing("'-infinity'::timestamptz", with: "NULL::timestamptz").replacing(
            "'infinity'", with: "NULL")
        let same = try table.load(from: PostgresSource(Self.settings(), .query(nulls)))
        #expect(same.digest == generation.digest)
    }

    @Test func aLoadThatIsGivenUpEndsSoon() throws {
        let source = try PostgresSource(
            Self.settings(), .query("SELECT pg_sleep(60)::text AS k"), isCancelled: { true })
        let error = #expect(throws: LookupError.self) { _ = try read(source, [DimensionField("k", .text)]) }
        #expect(error?.code == .cancelled)
        let away = try PostgresSource(ConnectionSettings(url: "postgresql://postgres@127.0.0.1:1/"), .table("x"))
        let unreachable = #expect(throws: LookupError.self) { _ = try read(away, [DimensionField("k", .text)]) }
        #expect(unreachable?.isRetryable == true)
    }
}
