extension PostgresError {
    /// What about the connection settings keeps a connection from being made, and what to do about it; nil when waiting
    /// may help.
    ///
    /// libpq gives no code for what fails on this side of the wire or before the server's first answer, so its messages
    /// are read. They are never translated: nothing in this process sets a locale.
    var settingAtFault: String? {
        // 08P01 is all that PgBouncer has to say, at any time.
        guard isFromConnecting && sqlState == nil || sqlState == "08P01" else { return nil }
        // With several hosts the messages of all stand together; one that may come back is worth waiting for.
        if Self.passing.contains(where: { message.contains($0) }) { return nil }
        if let known = Self.settings.first(where: { message.contains($0.text) }) { return known.hint }
        return message.contains("SSL error: ") ? "check sslmode, sslrootcert, sslcert and sslkey" : nil
    }

    /// True for what somebody else can mend while the program runs: rights, passwords, certificates, a database that is
    /// being renamed. A program that has worked before waits for it; one that starts stops and says so.
    public var isMendedElsewhere: Bool {
        switch sqlState {
        case "42501", "3D000", "57P04": true
        case let state? where state.hasPrefix("28"): true
        default: isPasswordMissing || settingAtFault != nil
        }
    }

    private static let passing = [
        "Connection refused", "timeout expired", "could not translate host name", "Connection reset by peer",
        "the database system is", "unexpected eof", "SSL SYSCALL error", "server closed the connection",
        "No route to host", "Network is unreachable", "too many connections", "too many clients",
    ]

    private static let settings: [(text: String, hint: String)] = [
        (
            "root certificate file",
            "sslrootcert names the file with the certificate authority's certificates; correct it or sslmode"
        ),
        (
            "could not read root certificate",
            "sslrootcert names the file with the certificate authority's certificates"
        ),
        (
            "certificate verify failed",
            "the server's certificate is not from the authority in sslrootcert, or has expired; correct sslrootcert or "
                + "the server's certificate"
        ),
        (
            "does not match host name",
            "the host in the url must be a name in the server's certificate; correct it, or use sslmode=verify-ca"
        ),
        ("host name must be specified for a verified SSL connection", "sslmode=verify-full needs host in the url"),
        ("does not support SSL", "turn on TLS at the server, or lower sslmode"),
        ("server did not support SSL", "turn on TLS at the server, or lower sslmode"),
        ("private key file", "check sslkey: it must exist, fit sslcert, and be readable by nobody else (mode 0600)"),
        ("certificate file", "check sslcert and sslkey"),
        ("could not load private key", "check sslkey, and sslpassword if it is encrypted"),
        ("certificate present, but not private key", "sslcert needs its sslkey"),
        ("channel binding", "check channel_binding and sslmode"),
        ("invalid port number", "correct port in the url"),
        ("invalid integer value", "correct the setting in the url"),
        ("received invalid response", "the port in the url is not PostgreSQL's"),
        ("expected authentication request", "the port in the url is not PostgreSQL's"),
        ("Unix-domain socket path", "correct host in the url"),
        ("authentication method", "the server asks for a way of authentication that this client does not have"),
        ("transaction blocks not allowed in statement pooling mode", "set pool_mode=transaction in PgBouncer"),
        ("unsupported startup parameter", "take the setting out of the url, or list it in ignore_startup_parameters"),
        ("no such database", "create the database, or correct the sink's url"),
        ("no such user", "check the user and the password in the sink's url"),
        ("password authentication failed", "check the user and the password in the sink's url"),
        ("SASL authentication failed", "check the user and the password in the sink's url"),
        ("auth failed", "check the user and the password in the sink's url"),
    ]
}
