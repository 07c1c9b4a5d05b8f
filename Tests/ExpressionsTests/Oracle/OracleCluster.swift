import Glibc
import LocalServices
import Postgres

/// The Postgres that our functions are compared with: one cluster for all suites, started by the first that needs it.
enum OracleCluster {
    private static let shared = Result<PrivatePostgres, LocalServiceError> { () throws(LocalServiceError) in
        try PrivatePostgres.start()
    }

    static func connect() throws -> Connection {
        let settings = try ConnectionSettings(url: shared.get().url())
        var connection = try Connection.connect(settings, deadline: .now + .seconds(20))
        try connection.execute(helpers)
        return connection
    }

    /// What 64 bits hold of a numeric, and HMAC-SHA-256 after RFC 2104.
    private static let helpers = """
        CREATE OR REPLACE FUNCTION pg_temp.fit(x numeric, scale int) RETURNS numeric LANGUAGE sql AS $$
        SELECT CASE WHEN (x * 10::numeric ^ scale)::bigint IS NOT NULL THEN x END $$;
        CREATE OR REPLACE FUNCTION pg_temp.xor(b bytea, x int) RETURNS bytea LANGUAGE plpgsql AS $$
        BEGIN
            b := b || decode(repeat('00', 64 - length(b)), 'hex');
            FOR i IN 0..63 LOOP b := set_byte(b, i, get_byte(b, i) # x); END LOOP;
            RETURN b;
        END $$;
        CREATE OR REPLACE FUNCTION pg_temp.hmac_sha256(t bytea, k bytea) RETURNS text LANGUAGE plpgsql AS $$
        BEGIN
            IF length(k) > 64 THEN k := sha256(k); END IF;
            RETURN encode(sha256(pg_temp.xor(k, 92) || sha256(pg_temp.xor(k, 54) || t)), 'hex');
        END $$
        """

    /// Random inputs for each comparison when the environment asks for more than the hundred thousand of a family.
    static let rowsPerCase: Int? = unsafe getenv("MILLRACE_ORACLE_ROWS").flatMap { unsafe Int(String(cString: $0)) }
}
