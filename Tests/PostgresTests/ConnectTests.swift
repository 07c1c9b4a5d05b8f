import LocalServices
import Testing

@testable import Postgres

@Suite struct ConnectTests {
    private func connectFailure(_ url: String, within limit: Duration = .seconds(10)) throws -> PostgresError? {
        let settings = try ConnectionSettings(url: url)
        return failure { () throws(PostgresError) in try Connection.connect(settings, deadline: .now + limit) }
    }

    @Test func aWrongOrMissingPasswordIsConfiguration() throws {
        var options = PrivatePostgres.Options()
        options.authentication = .password("right horse / battery %41")
        let cluster = try PrivatePostgres.start(options)
        var connection = try Connection.connect(ConnectionSettings(url: cluster.url()))
        #expect(try connection.query("SELECT 1").rowCount == 1)

        let wrong = try connectFailure(cluster.url(password: "wrong-secret"))
        #expect(wrong?.sqlState == "28P01")
        #expect(wrong?.fate == .configuration)
        #expect(wrong?.description.contains("password authentication failed for user \"postgres\"") == true)
        #expect(wrong?.description.contains("wrong-secret") == false)
        #expect(wrong?.isOutcomeUnknown == false)

        let missing = try connectFailure(
            "host=127.0.0.1 port=\(cluster.port) user=postgres dbname=postgres passfile=/dev/null")
        #expect(missing?.fate == .configuration)
        cluster.stop()
    }

    @Test func aMissingDatabaseOrRoleIsConfiguration() throws {
        let cluster = try TestCluster.get()
        let database = try connectFailure(cluster.url(database: "nowhere"))
        #expect(database?.sqlState == "3D000")
        #expect(database?.fate == .configuration)
        let role = try connectFailure(cluster.url(user: "no_one"))
        #expect(role?.sqlState == "28000")
        #expect(role?.fate == .configuration)
    }

    @Test func aRefusingOrUnknownHostMeansTryingAgain() throws {
        let refused = try connectFailure("postgresql://postgres@127.0.0.1:1/x")
        #expect(refused?.kind == .connection)
        #expect(refused?.fate == .reconnect)
        #expect(refused?.description.contains("Connection refused") == true)
        let unknown = try connectFailure("postgresql://postgres@no-such-host.invalid/x")
        #expect(unknown?.fate == .reconnect)
    }

    @Test func aSilentHostIsLeftAtTheDeadline() throws {
        let proxy = try FaultProxy(targetPort: TestCluster.get().port)
        proxy.stall(true)
        let start = ContinuousClock.now
        let error = try connectFailure("postgresql://postgres@127.0.0.1:\(proxy.port)/", within: .milliseconds(200))
        #expect(ContinuousClock.now - start < .seconds(4))
        #expect(error?.kind == .timeout)
        #expect(error?.fate == .reconnect)
        #expect(error?.isOutcomeUnknown == false)
    }

    @Test func aDeadOrSilentHostInAListIsPassedOver() throws {
        let cluster = try TestCluster.get()
        let silent = try FaultProxy(targetPort: cluster.port)
        silent.stall(true)
        let hosts = "127.0.0.1:1,127.0.0.1:\(silent.port),127.0.0.1:\(cluster.port)"
        let settings = try ConnectionSettings(url: "postgresql://postgres@\(hosts)/postgres?connect_timeout=2")
        var connection = try Connection.connect(settings, deadline: .now + .seconds(20))
        #expect(try connection.query("SELECT 1").rowCount == 1)
    }

    @Test func aListOfReadOnlyServersIsRefused() throws {
        let cluster = try TestCluster.get()
        try cluster.createDatabase("frozen")
        var owner = try TestCluster.connect()
        try owner.execute("ALTER DATABASE frozen SET default_transaction_read_only = on")
        let error = try connectFailure(cluster.url(database: "frozen"))
        #expect(error?.fate == .reconnect)
        #expect(error?.description.contains("read-only") == true)
        let settings = try ConnectionSettings(url: cluster.url(database: "frozen") + "?target_session_attrs=any")
        var connection = try Connection.connect(settings)
        #expect(try connection.query("SELECT 1").rowCount == 1)
    }

    @Test func theServerIsDescribed() throws {
        var connection = try TestCluster.connect()
        #expect(connection.serverVersion >= 130_000)
        #expect(connection.backendPID > 0)
        #expect(connection.serverParameter("client_encoding") == "UTF8")
        #expect(connection.serverParameter("application_name") == "millrace")
        #expect(try connection.query("SELECT pg_backend_pid()").int32(0, 0) == connection.backendPID)
        connection.close()
    }

    @Test(.enabled(if: TestCluster.hasTLS, "needs openssl to make a certificate, and a Postgres with TLS"))
    func encryptedConnectionsAreVerified() throws {
        let cluster = try TestCluster.get()
        let verified = cluster.url() + "?sslmode=verify-full&sslrootcert=\(cluster.certificatePath)"
        var connection = try Connection.connect(ConnectionSettings(url: verified), deadline: .now + .seconds(10))
        #expect(connection.tlsVersion?.hasPrefix("TLSv1") == true)
        let block = [UInt8](repeating: 3, count: 3_000_000)
        let results = try connection.pipeline(deadline: .now + .seconds(30)) { pipeline in
            for _ in 0..<3 { pipeline.query("SELECT $1", [.bytes(block)]) }
        }
        #expect(try results[2].bytes(0, 0) == block)
        let error = failure { () throws(PostgresError) in
            try connection.query("SELECT pg_sleep(30)", deadline: .now + .milliseconds(50))
        }
        #expect(error?.kind == .timeout)

        let plain = try ConnectionSettings(url: cluster.url() + "?sslmode=disable")
        let unencrypted = try Connection.connect(plain)
        #expect(unencrypted.tlsVersion == nil)
        let other = try connectFailure(cluster.url() + "?sslmode=verify-full&sslrootcert=/dev/null")
        #expect(other?.kind == .connection)
    }

    /// What no waiting mends: the program stops at its first start and names the setting.
    @Test(.enabled(if: TestCluster.hasTLS, "needs openssl to make a certificate, and a Postgres with TLS"))
    func wrongTLSSettingsAreConfigurationAndNamed() throws {
        let cluster = try TestCluster.get()
        let words = "host=localhost hostaddr=127.0.0.1 port=\(cluster.port) user=postgres dbname=postgres "
        let certificate = "sslrootcert=\(cluster.certificatePath)"
        for (settings, hint) in [
            ("sslmode=verify-full sslrootcert=/there/is/no.crt", "sslrootcert"),
            ("sslmode=verify-ca sslrootcert=/etc/hostname", "sslrootcert"),
            ("sslmode=verify-full host=other.example \(certificate)", "a name in the server's certificate"),
            ("sslmode=require sslcert=\(cluster.certificatePath) sslkey=/there/is/no.key", "sslkey"),
        ] {
            let error = try connectFailure(words + settings)
            #expect(error?.fate == .configuration, "\(String(describing: error))")
            #expect(error?.isMendedElsewhere == true)
            #expect(error?.hint?.contains(hint) == true, "\(String(describing: error))")
        }
    }

    @Test func settingsThatCannotPassAreToldFromServersThatAreAway() {
        func error(_ message: String, _ sqlState: String? = nil) -> PostgresError {
            var error = PostgresError(sqlState == nil ? .connection : .server, message, sqlState: sqlState)
            error.isFromConnecting = true
            return error
        }
        for message in [
            "SSL error: certificate verify failed", "SSL error: tlsv1 alert unknown ca", "invalid port number: \"0\"",
            "received invalid response to SSL negotiation: H", "server does not support SSL, but SSL was required",
            "could not load private key file \"k\": bad decrypt", "channel binding required, but SSL not in use",
        ] { #expect(error(message).fate == .configuration, "\(message)") }
        for message in [
            "SSL error: unexpected eof while reading", "SSL SYSCALL error: EOF detected", "timeout expired",
            "could not translate host name \"db\" to address: Name or service not known", "Connection refused",
            "Connection refused; SSL error: certificate verify failed",
        ] { #expect(error(message).fate == .reconnect, "\(message)") }
        // PgBouncer has one code for everything.
        #expect(error("transaction blocks not allowed in statement pooling mode", "08P01").fate == .configuration)
        #expect(error("server login has been failing, try again later", "08P01").fate == .reconnect)
        #expect(PostgresError(.server, "SSL error: x", sqlState: "57P01").fate == .reconnect)
    }
}
