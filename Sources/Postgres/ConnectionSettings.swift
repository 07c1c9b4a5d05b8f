import Platform

/// Where and how to connect: everything libpq understands, as a URL (`postgresql://…`) or as `key=value` words.
///
/// What the text leaves out comes from the `PG…` environment variables, the service file and `~/.pgpass`, as with
/// psql. Passwords are never part of a description, and a text that is not understood is not repeated at all: which part
/// of it is a password is then anybody's guess.
public struct ConnectionSettings: Sendable {
    /// What libpq is given: the user's settings and our defaults.
    let options: [ConninfoOptions.Option]
    /// The same, completed by libpq's other sources at the time this value was made.
    let effective: [String: String]

    /// Understands `url`, and completes it by this driver's defaults where neither it nor the environment nor a
    /// service says otherwise: `target_session_attrs=read-write`, `connect_timeout=5` (seconds per address),
    /// `tcp_user_timeout=30000`, keep-alives after 15 s, the application name `millrace`. The encoding is always UTF-8.
    ///
    /// - Parameters:
    ///   - url: a URL or `key=value` words; `postgresql://` alone means: all from the environment.
    ///   - overrides: libpq keywords and values that win over `url`.
    /// - Throws: ``PostgresError/Kind/badSettings`` naming the keyword; it quotes no value. A retry cannot help.
    public init(url: String, overriding overrides: [String: String] = [:]) throws(PostgresError) {
        try ConnectionText.check(url)
        let parsed = ConninfoOptions.parse(url)
        guard var options = parsed.options, !url.utf8.contains(0) else { throw Self.syntaxError(parsed.message) }
        let known = ConninfoOptions.knownKeywords()
        for (keyword, value) in overrides.sorted(by: { $0.key < $1.key }) {
            guard known.contains(keyword) else { throw Self.unknownKeyword(keyword, known) }
            options.removeAll { $0.keyword == keyword }
            options.append((keyword, value))
        }
        let (given, complaint) = ConninfoOptions.resolve(options)
        if let complaint {
            throw PostgresError(.badSettings, "connection settings: \(ConnectionText.withoutValues(complaint, known))")
        }
        try ConnectionText.check(given)
        for (keyword, value) in Self.defaults where given[keyword].map(\.isEmpty) ?? true {
            options.append((keyword, value))
        }
        // libpq's own default is `any`, so it is never empty; what was not asked for is ours to choose.
        if given["target_session_attrs"] == "any", !Self.asksForSessionAttributes(options) {
            options.append(("target_session_attrs", "read-write"))
        }
        let attributes = options.last { $0.keyword == "target_session_attrs" }?.value ?? "any"
        guard Self.sessionAttributes.contains(attributes) else {
            throw PostgresError(
                .badSettings, "connection settings: target_session_attrs has another value than it can have",
                hint: "expected one of " + Self.sessionAttributes.joined(separator: ", "))
        }
        options.removeAll { $0.keyword == "client_encoding" }
        options.append(("client_encoding", "UTF8"))
        self.options = options
        effective = ConninfoOptions.resolve(options).effective
    }

    /// Looks at the text alone, without the environment, service files and defaults of this machine.
    /// - Throws: ``PostgresError/Kind/badSettings``; it quotes nothing of the text.
    public static func check(url: String) throws(PostgresError) {
        try ConnectionText.check(url)
        let parsed = ConninfoOptions.parse(url)
        guard let options = parsed.options, !url.utf8.contains(0) else { throw syntaxError(parsed.message) }
        try ConnectionText.check(Dictionary(options.map { ($0.keyword, $0.value) }, uniquingKeysWith: { $1 }))
    }

    /// Host, port, database and user, for logs and messages.
    public var redactedDescription: String {
        let host = nonEmpty("host") ?? nonEmpty("hostaddr") ?? "local socket"
        let port = nonEmpty("port") ?? "5432"
        let user = nonEmpty("user") ?? "unknown"
        return "host \(host), port \(port), database \(nonEmpty("dbname") ?? user), user \(user)"
    }

    /// The passwords in it, so that whoever writes logs can keep them out.
    public var secrets: [String] { ["password", "sslpassword"].compactMap(nonEmpty) }

    /// True when several hosts are listed, of which libpq picks the first that suits.
    var hasSeveralHosts: Bool {
        (effective["host"] ?? "").contains(",") || (effective["hostaddr"] ?? "").contains(",")
    }

    /// Seconds per address; nil when connecting may take for ever.
    var connectTimeout: Duration? {
        guard let seconds = Int64(effective["connect_timeout"] ?? ""), seconds > 0 else { return nil }
        return .seconds(seconds)
    }

    // MARK: - Defaults

    private static let defaults = [
        ("fallback_application_name", "millrace"),
        ("connect_timeout", Limits.connectTimeout),
        ("tcp_user_timeout", Limits.tcpUserTimeout),
        ("keepalives_idle", Limits.keepalivesIdle),
        ("keepalives_interval", Limits.keepalivesInterval),
        ("keepalives_count", Limits.keepalivesCount),
    ]

    private static let sessionAttributes = ["any", "read-write", "read-only", "primary", "standby", "prefer-standby"]

    private func nonEmpty(_ keyword: String) -> String? {
        effective[keyword].flatMap { $0.isEmpty ? nil : $0 }
    }

    private static func asksForSessionAttributes(_ options: [ConninfoOptions.Option]) -> Bool {
        options.contains { $0.keyword == "target_session_attrs" }
    }

    // MARK: - Diagnostics

    /// libpq's messages quote what they stumble over, which may be a password cut in two; only keywords are repeated.
    private static func syntaxError(_ message: String) -> PostgresError {
        let words = message.split(separator: "\"", omittingEmptySubsequences: false)
        let reason = words.first.map { $0.prefix { $0 != ":" } } ?? ""
        if words.count >= 2, reason.hasPrefix("invalid connection option") || reason.hasPrefix("invalid URI query") {
            let word = String(words[1])
            let isKeyword = word.count <= 40 && word.allSatisfy { $0.isASCII && ($0.isLetter || $0 == "_") }
            if isKeyword { return unknownKeyword(word, ConninfoOptions.knownKeywords()) }
        }
        if message.hasPrefix("missing \"=\"") {
            return PostgresError(
                .badSettings, "connection settings: a word has no = behind it",
                hint: "put values with blanks in quotes, such as password='two words'")
        }
        if message.hasPrefix("end of string reached when looking for matching \"]\"") {
            return PostgresError(
                .badSettings, "connection settings: the [ of the host has no ] behind it",
                hint: "an IPv6 address stands in brackets, such as [::1]")
        }
        let text = reason.isEmpty ? "not a URL nor key=value words" : reason.trimmed
        return PostgresError(
            .badSettings, "connection settings: \(text)",
            hint: "percent-encode special characters in a URL, quote values with spaces in key=value words")
    }

    /// Only a word that is nearly a keyword is repeated; any other may be what follows a blank in a password.
    private static func unknownKeyword(_ word: String, _ known: [String]) -> PostgresError {
        if let nearest = Suggestion.nearest(to: word, in: known, distanceMax: 2) {
            return PostgresError(
                .badSettings, "connection settings: unknown keyword \"\(word)\"",
                hint: "did you mean \"\(nearest)\"?")
        }
        return PostgresError(
            .badSettings, "connection settings: unknown keyword",
            hint: "use libpq's keywords; quote values with spaces: password='two words'")
    }
}

extension Substring {
    fileprivate var trimmed: String {
        String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}
