import Glibc
import Platform
import Postgres
import Synchronization

/// A PostgreSQL cluster of our own, for tests and demonstrations: made on the spot, and gone afterwards.
///
/// All calls block. The server runs in a session of its own, so Ctrl-C in a terminal does not reach it; it ends with
/// ``stop()``, with the last reference, and shortly after this process ends for whatever reason. As root, it runs as
/// the account `postgres`.
public final class PrivatePostgres: Sendable {
    static let serviceName = "private postgres"

    /// How a server ends.
    public enum StopMode: Sendable {
        /// Ends sessions and shuts down cleanly.
        case fast
        /// Ends at once; the next start recovers from the log, as after a crash.
        case immediate
    }

    /// The cluster's folder.
    public let directory: String
    /// TCP port, or the number in the socket's name.
    public var port: UInt16 { state.withLock { $0.port } }
    /// What the server says.
    public var logPath: String { "\(directory)/server.log" }
    /// The certificate of a cluster with TLS, which is its own authority.
    public var certificatePath: String { "\(directory)/server.crt" }
    /// Process id of the postmaster; nil while the server is stopped.
    public var processID: Int32? { state.withLock { $0.server?.id } }

    private struct State {
        var port: UInt16
        var server: ChildProcess?
        var watch: OwnerWatch?
    }

    private let options: Options
    private let installation: PostgresInstallation
    private let isTemporary: Bool
    private let state: Mutex<State>
    private var dataDirectory: String { "\(directory)/data" }

    /// Makes a cluster and starts its server; answers when it takes connections, in one to two seconds.
    /// - Throws: ``LocalServiceError`` with the server's last words.
    public static func start(_ options: Options = Options()) throws(LocalServiceError) -> PrivatePostgres {
        let cluster = try PrivatePostgres(options)
        do {
            try cluster.prepare()
            try cluster.startServer()
        } catch {
            cluster.stop()
            throw error
        }
        return cluster
    }

    private init(_ options: Options) throws(LocalServiceError) {
        self.options = options
        installation = try PostgresInstallation.find()
        isTemporary = options.directory == nil
        let parent = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp"
        guard let path = options.directory ?? FileTree.makeTemporary(in: parent, prefix: "millrace-postgres-"),
            FileTree.make(path)
        else {
            throw LocalServiceError(
                Self.serviceName, "cannot make a folder in \(options.directory ?? parent): \(Self.lastSystemError)")
        }
        directory = path
        var requested: UInt16 = 5432
        if case .loopback(let port) = options.listen {
            guard let free = port ?? Loopback.freePort() else {
                throw LocalServiceError(Self.serviceName, "no free port: \(Self.lastSystemError)")
            }
            requested = free
        }
        state = Mutex(State(port: requested))
    }

    deinit {
        stop()
    }

    // MARK: - Clients

    /// How to connect, as a URL that every libpq program understands. It contains the password, if there is one.
    /// - Parameters:
    ///   - database: must exist; `postgres` always does.
    ///   - user: a role; `postgres` is the superuser.
    ///   - password: nil takes the superuser's.
    public func url(database: String = "postgres", user: String = "postgres", password: String? = nil) -> String {
        var login = user.percentEncoded
        if let password { login += ":" + password.percentEncoded }
        if password == nil, case .password(let text) = options.authentication { login += ":" + text.percentEncoded }
        let host = options.listen == .unixSocket ? directory.percentEncoded : "127.0.0.1"
        return "postgresql://\(login)@\(host):\(port)/\(database.percentEncoded)"
    }

    /// Creates an empty database.
    /// - Throws: ``LocalServiceError`` with the server's answer.
    public func createDatabase(_ name: String) throws(LocalServiceError) {
        do throws(PostgresError) {
            var connection = try Connection.connect(ConnectionSettings(url: url()), deadline: .now + .seconds(10))
            let quoted = name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"")
            try connection.execute("CREATE DATABASE \"\(quoted)\"")
        } catch {
            throw LocalServiceError(Self.serviceName, "create database \(name): \(error)")
        }
    }

    // MARK: - Server

    /// Starts the server of a cluster whose server was stopped or killed, on the same port.
    /// - Throws: ``LocalServiceError`` with the server's last words.
    public func startServer() throws(LocalServiceError) {
        let deadline = ContinuousClock.now + options.startTimeout
        while true {
            if try launch(until: deadline) { return }
            // Another process took the port between our looking and the server's binding.
            guard case .loopback(port: nil) = options.listen, let free = Loopback.freePort() else { break }
            guard TextFile.lastLines(5, of: logPath).contains("could not bind"), ContinuousClock.now < deadline else {
                break
            }
            state.withLock { $0.port = free }
        }
        throw LocalServiceError(
            Self.serviceName, "the server does not start: \(TextFile.lastLines(5, of: logPath))",
            hint: "its log is \(logPath)")
    }

    /// Stops the server; files, port and settings stay for ``startServer()``.
    public func stopServer(_ mode: StopMode = .fast) {
        let server = state.withLock { state in
            defer { state.server = nil }
            return state.server
        }
        guard let server else { return }
        server.signal(mode == .fast ? SIGINT : SIGQUIT)
        if server.wait(until: .now + .seconds(30)) == nil { kill(server) }
    }

    /// Kills the postmaster and all its processes with SIGKILL, as a machine would that stops.
    public func killServer() {
        let server = state.withLock { state in
            defer { state.server = nil }
            return state.server
        }
        if let server { kill(server) }
    }

    /// Stops the server and removes the folder, if it is a temporary one. Nothing is left running.
    public func stop() {
        // What is thrown away needs no orderly end.
        stopServer(isTemporary ? .immediate : .fast)
        let watch = state.withLock { state in
            defer { state.watch = nil }
            return state.watch
        }
        if isTemporary {
            removeSharedMemory()
            FileTree.remove(directory)
        }
        watch?.dismiss()
    }
}

// MARK: - Inside

extension PrivatePostgres {
    private static var lastSystemError: String { unsafe String(cString: strerror(errno)) }

    private static func started<Program>(
        _ start: () throws(ProgramFailure) -> Program
    ) throws(LocalServiceError) -> Program {
        do { return try start() } catch { throw LocalServiceError(serviceName, "\(error)") }
    }

    /// For the test of the watch.
    func endWatchAsIfOwnerDied() {
        let watch = state.withLock { state in
            defer { state.watch = nil }
            return state.watch
        }
        watch?.endAsIfOwnerDied()
    }

    private func prepare() throws(LocalServiceError) {
        guard installation.own(directory) else {
            throw LocalServiceError(Self.serviceName, "cannot give \(directory) to postgres: \(Self.lastSystemError)")
        }
        let watch = try Self.started {
            () throws(ProgramFailure) in
            try OwnerWatch(dataDirectory: dataDirectory, removing: isTemporary ? directory : nil)
        }
        state.withLock { $0.watch = watch }
        if !FileTree.exists("\(dataDirectory)/PG_VERSION") { try initialize() }
        if options.hasTLS, !FileTree.exists(certificatePath) { try makeCertificate() }
    }

    private func initialize() throws(LocalServiceError) {
        var command = [
            "\(installation.binaries)/initdb", "--pgdata", dataDirectory, "--username", "postgres",
            "--encoding", "UTF8", "--locale", "C.UTF-8",
        ]
        if options.durability == .processCrash { command.append("--no-sync") }
        let passwordPath = "\(directory)/password"
        switch options.authentication {
        case .trust: command += ["--auth", "trust"]
        case .password(let password):
            guard TextFile.write(password + "\n", to: passwordPath), installation.own(passwordPath) else {
                throw LocalServiceError(Self.serviceName, "cannot write to \(directory): \(Self.lastSystemError)")
            }
            command += ["--auth", "scram-sha-256", "--pwfile", passwordPath]
        }
        defer { FileTree.remove(passwordPath) }
        try run(command, "initdb")
    }

    private func makeCertificate() throws(LocalServiceError) {
        guard let openssl = Executable.find("openssl") else {
            throw LocalServiceError(Self.serviceName, "openssl not found", hint: "apt-get install openssl")
        }
        let command = [
            openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "365", "-subj", "/CN=localhost",
            "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", "\(directory)/server.key",
            "-out", certificatePath,
        ]
        try run(command, "openssl")
    }

    /// Runs a program to its end as the server's account.
    private func run(_ command: [String], _ name: String) throws(LocalServiceError) {
        let path = "\(directory)/\(name).log"
        // In the terminal's group: Ctrl-C ends it, and there is no server yet to protect.
        let process = try Self.started {
            () throws(ProgramFailure) in
            try ChildProcess(installation.prefix + command, outputPath: path, group: .inherited)
        }
        guard let status = process.wait(until: .now + options.startTimeout) else {
            process.signal(SIGKILL)
            _ = process.wait(until: .now + .seconds(5))
            throw LocalServiceError(Self.serviceName, "\(name) takes longer than \(options.startTimeout)")
        }
        guard status == 0 else {
            throw LocalServiceError(Self.serviceName, "\(name) failed: \(TextFile.lastLines(5, of: path))")
        }
    }

    /// False when the server ended before it took connections.
    private func launch(until deadline: ContinuousClock.Instant) throws(LocalServiceError) -> Bool {
        guard state.withLock({ $0.server == nil }) else { return true }
        let server = try Self.started {
            () throws(ProgramFailure) in try ChildProcess(installation.prefix + serverCommand(), outputPath: logPath)
        }
        var lastError = "no attempt to connect"
        while ContinuousClock.now < deadline {
            if server.wait(until: .now) != nil { return false }
            do throws(PostgresError) {
                var connection = try Connection.connect(ConnectionSettings(url: url()), deadline: .now + .seconds(2))
                // Proves that it is our server that answers on this port, and not somebody else's.
                let answer = try connection.query("SHOW data_directory")
                if try answer.text(0, 0) == dataDirectory {
                    state.withLock { $0.server = server }
                    return true
                }
                lastError = "another server answers on port \(port)"
            } catch {
                lastError = error.description
            }
            usleep(5_000)
        }
        kill(server)
        throw LocalServiceError(Self.serviceName, "not ready within \(options.startTimeout): \(lastError)")
    }

    private func serverCommand() -> [String] {
        var settings = ["log_timezone": "UTC", "timezone": "UTC", "max_connections": "50"]
        settings["listen_addresses"] = options.listen == .unixSocket ? "" : "127.0.0.1"
        settings["unix_socket_directories"] = options.listen == .unixSocket ? directory : ""
        settings["unix_socket_permissions"] = "0700"
        if options.durability == .processCrash {
            settings["fsync"] = "off"
            settings["full_page_writes"] = "off"
        }
        if options.hasTLS {
            settings["ssl"] = "on"
            settings["ssl_cert_file"] = certificatePath
            settings["ssl_key_file"] = "\(directory)/server.key"
        }
        settings.merge(options.settings) { _, theirs in theirs }
        let words = settings.sorted { $0.key < $1.key }.flatMap { ["-c", "\($0.key)=\($0.value)"] }
        return ["\(installation.binaries)/postgres", "-D", dataDirectory, "-p", String(port)] + words
    }

    private func kill(_ server: ChildProcess) {
        // Stopped first, so that it cannot start another child between the looking and the killing.
        server.signal(SIGSTOP)
        let children = ChildProcess.children(of: server.id)
        for id in children + [server.id] { Glibc.kill(id, SIGKILL) }
        let deadline = ContinuousClock.now + .seconds(10)
        _ = server.wait(until: deadline)
        while ContinuousClock.now < deadline, children.contains(where: ChildProcess.isRunning) { usleep(2_000) }
    }

    /// A killed postmaster leaves 56 bytes of System V shared memory behind, which only the next start would remove.
    private func removeSharedMemory() {
        guard let lines = TextFile.read("\(dataDirectory)/postmaster.pid")?.split(separator: "\n"), lines.count > 6,
            let id = lines[6].split(separator: " ").last.flatMap({ Int32($0) })
        else { return }
        _ = shmctl(id, IPC_RMID, nil)
    }
}

extension String {
    /// Fit for any part of a URL.
    fileprivate var percentEncoded: String {
        let digits = Array("0123456789ABCDEF")
        return utf8.reduce(into: "") { text, byte in
            let character = Character(UnicodeScalar(byte))
            if character.isASCII, character.isLetter || character.isNumber || "-._~".contains(character) {
                text.append(character)
            } else {
                text += "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
            }
        }
    }
}
