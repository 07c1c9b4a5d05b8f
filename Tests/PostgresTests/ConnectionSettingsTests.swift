import LocalServices
import Postgres
import Testing

@Suite struct ConnectionSettingsTests {
    private func failure(of url: String) -> PostgresError? {
        PostgresTests.failure { () throws(PostgresError) in try ConnectionSettings(url: url) }
    }

    @Test(arguments: [
        "postgresql://app:hunter2@db.example:6432/kpi?application_name=x",
        "host=db.example port=6432 user=app password=hunter2 dbname=kpi",
        "postgres://app:hunter%32@db.example:6432/kpi",
    ])
    func theDescriptionHoldsNoPassword(url: String) throws {
        let settings = try ConnectionSettings(url: url)
        #expect(settings.redactedDescription == "host db.example, port 6432, database kpi, user app")
    }

    @Test func severalHostsAreDescribed() throws {
        let settings = try ConnectionSettings(url: "postgresql://app@one:1,two:2/kpi")
        #expect(settings.redactedDescription == "host one,two, port 1,2, database kpi, user app")
    }

    /// What no machine can connect with is found without connecting, and nothing of it is repeated.
    @Test(arguments: [
        ("host=h user=u password=tow wrods dbname=x", "a word has no = behind it"),
        ("postgresql://app@h:99999/x", "port is no number"),
        ("postgresql://app@h/x?sslmode=bogus", "sslmode has another value"),
        ("host=h password='open", "unterminated"), ("postgresql://app:s%zz@h/x", "percent-encoded"),
        ("postgresql://[::1/x", "has no ] behind it"), ("postgresql://app@h/x?sslmod=require", "unknown keyword"),
    ])
    func theTextAloneIsChecked(url: String, expected: String) {
        let error = PostgresTests.failure { () throws(PostgresError) in try ConnectionSettings.check(url: url) }
        #expect(error?.kind == .badSettings)
        #expect(error?.description.contains(expected) == true, "\(error?.description ?? "no error")")
        for secret in ["wrods", "bogus", "s%zz", "'open"] { #expect(error?.description.contains(secret) == false) }
    }

    @Test func anUnknownKeywordIsNamedWithASuggestion() {
        let error = failure(of: "postgresql://app:hunter2@db/kpi?sslmod=require")
        #expect(error?.kind == .badSettings)
        #expect(error?.fate == .configuration)
        #expect(
            error?.description
                == "postgres: connection settings: unknown keyword \"sslmod\"; did you mean \"sslmode\"?")
        #expect(failure(of: "hots=db")?.description.contains("\"hots\"; did you mean \"host\"?") == true)
    }

    @Test(arguments: [
        "postgresql://app:hunter2%zz@db/kpi", "host=db password=first hunter2", "hunter2",
        "postgresql://app:hunter2@[db/kpi",
        "password='hunter2", "postgresql://db/kpi?hunter2", "host=a\0hunter2",
        "postgresql://app:hunter2@db:1,2/x?host=a,b,c", "host=a,b port=1,2,3 password=hunter2",
    ])
    func syntaxErrorsQuoteNoPassword(url: String) throws {
        let error = try #require(failure(of: url))
        #expect(error.kind == .badSettings)
        #expect(!"\(error)".contains("hunter"), "\(error)")
    }

    @Test func wrongValuesAreRefusedBeforeConnecting() {
        #expect(failure(of: "host=x sslmode=sometimes")?.description.contains("sslmode") == true)
        #expect(failure(of: "host=x target_session_attrs=fast")?.description.contains("target_session_attrs") == true)
        #expect(failure(of: "service=there_is_no_such_service")?.kind == .badSettings)
    }

    @Test func overridesWin() throws {
        let settings = try ConnectionSettings(
            url: "postgresql://app@db/kpi", overriding: ["dbname": "other", "port": "7"])
        #expect(settings.redactedDescription == "host db, port 7, database other, user app")
        let error = PostgresTests.failure { () throws(PostgresError) in
            try ConnectionSettings(url: "", overriding: ["prot": "7"])
        }
        #expect(error?.kind == .badSettings)
    }

    @Test func theUsersSettingsReachTheServer() throws {
        let url = try TestCluster.get().url() + "?application_name=mine&options=-c%20statement_timeout%3D1234ms"
        var connection = try Connection.connect(ConnectionSettings(url: url))
        #expect(connection.serverParameter("application_name") == "mine")
        #expect(try connection.query("SHOW statement_timeout").text(0, 0) == "1234ms")
    }
}
