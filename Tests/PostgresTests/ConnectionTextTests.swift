import LocalServices
import Postgres
import Testing

/// Texts that are no connection settings: refused before anything is connected to, and never repeated.
@Suite struct ConnectionTextTests {
    private static let canary = "canary1f3a"

    private func failure(of url: String) throws -> PostgresError {
        try #require(PostgresTests.failure { () throws(PostgresError) in try ConnectionSettings(url: url) }, "\(url)")
    }

    @Test(arguments: ["", " ", "\n", "\t \n"])
    func anEmptyTextIsNotTheDefaultDatabase(url: String) throws {
        let error = try failure(of: url)
        #expect(error.message.contains("the url is empty"))
        #expect(error.hint?.contains("is its variable set?") == true)
        #expect(error.fate == .configuration)
    }

    @Test func everythingFromTheEnvironmentCanBeAskedFor() throws {
        _ = try ConnectionSettings(url: "postgresql://")
    }

    @Test(arguments: [
        "mysql://u:canary1f3a@h/d", "127.0.0.1:5432", "canary1f3a", "http://canary1f3a/x", "db.example/canary1f3a",
        "jdbc:postgresql://h/d?password=canary1f3a", "\"postgresql://u:canary1f3a@h/d\"",
        " postgresql://u:canary1f3a@h/d", "'postgres://u:canary1f3a@h/d'", "POSTGRESQL://u:canary1f3a@h/d",
    ])
    func whatIsNoURLIsToldWhatOneLooksLike(url: String) throws {
        let error = try failure(of: url)
        #expect(error.message == "connection settings: the url is neither postgresql://… nor key=value words")
        #expect(error.hint?.contains("postgresql://") == true)
        #expect(!"\(error)".contains(Self.canary))
    }

    /// Passwords as generators make them, not encoded.
    @Test(arguments: [
        "postgresql://kpi:p@canary1f3a-rest@127.0.0.1:5432/kpis",
        "postgresql://kpi:canary1f3a/rest@127.0.0.1:5432/kpis",
        "postgresql://kpi:12/canary1f3a@127.0.0.1/kpis", "postgresql://kpi:a@b/canary1f3a@h/d",
        "postgresql://kpi:a@canary1f3a?x@h/d", "postgresql://kpi:canary1f3a?@/x@h/d",
        "postgresql://kpi:a b canary1f3a@h/d",
        "postgresql://kpi:pw@h:canary1f3a/d", "postgresql://kpi:pw@h:99999/canary1f3a",
        "postgresql://kpi:pw@ca:nary:canary1f3a/d", "postgresql://kpi:pw@h/d\n", "postgresql://kpi:pw@canary1f3a$x/d",
        "host=h password=two canary1f3a=x", "host=h port=canary1f3a", "host=h@canary1f3a password=x",
        "dbname=postgresql://u:canary1f3a@h/d", "host=h sslmode=canary1f3a", "service=canary1f3a",
        "host=h target_session_attrs=canary1f3a", "host=h connect_timeout=canary1f3a",
        "host=h ssl_min_protocol_version=canary1f3a",
    ])
    func noPartOfWhatIsNotUnderstoodIsShown(url: String) throws {
        let connect = PostgresTests.failure { () throws(PostgresError) in
            try Connection.connect(ConnectionSettings(url: url), deadline: .now + .seconds(5))
        }
        let error = try #require(connect)
        #expect(error.fate == .configuration, "\(error)")
        #expect(!"\(error)".contains(Self.canary), "\(error)")
    }

    @Test(arguments: [
        "postgresql://app:p%40ss%2F@db.example:6432/kpi?application_name=x", "postgres://[::1]:5432/d",
        "postgresql://u@h1:1,h2:2/d?target_session_attrs=any", "host=/var/run/postgresql dbname=kpi",
        "postgresql:///d?host=/tmp&port=7", "postgresql://u:pw?x@h/d", "postgresql://h/d?password=a%40b",
        "user=kpi password='two words @/ =' host=h", "postgresql://u@h/d?password=a@b", "host=fe80::1%eth0 port=5432",
    ])
    func whatIsRightIsTaken(url: String) throws {
        _ = try ConnectionSettings(url: url)
    }
}
