/// Looks at the text of connection settings, and at what libpq took from it, for what would end in a wait for a host
/// that is half a password. Nothing of the text is ever repeated.
enum ConnectionText {
    private static let example = "for example postgresql://user@host/db"
    /// What libpq looks at too late, or never, when it connects without blocking.
    private static let numbers = [
        "connect_timeout", "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count",
        "tcp_user_timeout",
    ]
    private static let sslModes = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]
    private static let encode =
        "percent-encode special characters in user and password, such as %40 for @ and %2F for /"

    /// - Throws: `badSettings` when the text is neither a URL nor key=value words.
    static func check(_ text: String) throws(PostgresError) {
        let isBlank = text.allSatisfy { $0.isWhitespace }
        guard !isBlank else {
            throw failure(
                "the url is empty, expected postgresql://… or key=value words",
                "is its variable set? To take everything from the PG… variables, write postgresql://")
        }
        let isURL = text.hasPrefix("postgresql://") || text.hasPrefix("postgres://")
        if isURL { return try checkURL(text) }
        let bare = text.drop { $0.isWhitespace || "\"'`<(".contains($0) }
        let hint: String? =
            if bare.hasPrefix("postgresql://") || bare.hasPrefix("postgres://") {
                "take away what stands before postgresql://"
            } else if bare.hasPrefix("jdbc:") {
                "take jdbc: away and put user and password before the host: " + example
            } else if bare.lowercased().hasPrefix("postgres"), bare.contains("://") {
                "write the scheme as postgresql:// in lower case"
            } else if bare.contains("://") || !bare.contains("=") {
                example
            } else {
                nil
            }
        if let hint { throw failure("the url is neither postgresql://… nor key=value words", hint) }
    }

    /// libpq takes the first @ for the end of the password, unless a / comes before it: with another @ behind, the
    /// password was not encoded, and its end would be the host or the database.
    private static func checkURL(_ text: String) throws(PostgresError) {
        if text.contains(where: { $0.isWhitespace }) {
            throw failure("the url holds a blank or a line break", "take it away, or percent-encode it as %20")
        }
        let behind = text.drop { $0 != "/" }.dropFirst(2)
        let place = behind.prefix { $0 != "?" }
        let signs = behind.count { $0 == "@" }
        guard signs > 0 else { return }
        // A @ in a value behind ? is one too many only if nothing before it ends the password.
        let inPlace = place.count { $0 == "@" }
        let beforePath = behind.prefix { $0 != "/" }.contains("@")
        if inPlace > 1 || inPlace == 1 && !beforePath || inPlace == 0 && beforePath && signs > 1 {
            throw failure("the url holds an @ or a / that ends the password early", encode)
        }
    }

    /// What libpq understood: host, port and database that can be none.
    /// - Throws: `badSettings` naming the setting.
    static func check(_ given: [String: String]) throws(PostgresError) {
        for host in (given["host"] ?? "").split(separator: ",") where !host.hasPrefix("/") && !host.hasPrefix("@") {
            let isName = host.allSatisfy { $0.isLetter || $0.isNumber || "-._:%[]".contains($0) }
            guard isName else { throw failure("host is no host name", encode) }
        }
        for port in (given["port"] ?? "").split(separator: ",") {
            guard let number = Int(port), (1...65_535).contains(number) else {
                throw failure("port is no number from 1 to 65535", encode)
            }
        }
        for keyword in numbers {
            guard let text = given[keyword], !text.isEmpty else { continue }
            guard Int32(text) != nil else { throw failure("\(keyword) is no whole number", "correct it in the url") }
        }
        if let mode = given["sslmode"], !mode.isEmpty, !sslModes.contains(mode) {
            throw failure("sslmode has another value than it can have", "expected " + sslModes.joined(separator: ", "))
        }
        let database = given["dbname"] ?? ""
        if database.contains("://") || database.contains("=") {
            throw failure("dbname is no database name", "give a url or key=value words, not one inside the other")
        }
    }

    /// libpq's complaint about a setting, with every quoted word but its keywords left out.
    static func withoutValues(_ complaint: String, _ keywords: [String]) -> String {
        let parts = complaint.split(separator: "\"", omittingEmptySubsequences: false)
        return parts.enumerated().map { index, part in
            guard index % 2 == 1 else { return String(part) }
            return keywords.contains(String(part)) ? "\"\(part)\"" : "\"…\""
        }.joined()
    }

    private static func failure(_ what: String, _ hint: String) -> PostgresError {
        PostgresError(.badSettings, "connection settings: \(what)", hint: hint)
    }
}
