import LocalServices
import Postgres

/// One cluster for all tests of this target, started by the first that needs it. Tests keep to tables of their own.
enum TestCluster {
    private static let shared = Result<(cluster: PrivatePostgres, hasTLS: Bool), LocalServiceError> {
        () throws(LocalServiceError) in
        var options = PrivatePostgres.Options()
        options.hasTLS = Executables.hasOpenSSL
        options.settings = ["deadlock_timeout": "20ms"]
        do throws(LocalServiceError) {
            return (try PrivatePostgres.start(options), options.hasTLS)
        } catch {
            guard error.message.contains("SSL is not supported by this build") else { throw error }
            Executables.report("SKIPPED: the TLS tests, since this Postgres was built without\n")
            options.hasTLS = false
            return (try PrivatePostgres.start(options), false)
        }
    }

    static func get() throws -> PrivatePostgres { try shared.get().cluster }

    /// Whether it takes connections with TLS.
    static let hasTLS = (try? shared.get())?.hasTLS == true

    /// A connection that fails rather than hangs.
    static func connect(
        user: String = "postgres", onNotice: @escaping Notice.Handler = { _ in }
    ) throws -> Connection {
        let settings = try ConnectionSettings(url: get().url(user: user))
        return try Connection.connect(settings, deadline: .now + .seconds(20), onNotice: onNotice)
    }
}

/// What a call threw.
func failure<Value: ~Copyable>(_ body: () throws(PostgresError) -> Value) -> PostgresError? {
    do throws(PostgresError) {
        _ = try body()
        return nil
    } catch {
        return error
    }
}

/// ``Connection/isAlive()`` for expectations, which cannot call mutating members of non-copyable values.
func isAlive(_ connection: inout Connection) -> Bool { connection.isAlive() }
