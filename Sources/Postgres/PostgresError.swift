/// What went wrong with a connection, a statement or its settings.
///
/// The textual description never holds passwords and leaves out what the server quotes from records; `message` and
/// `detail` are the server's own words and may hold them, so they do not belong into logs.
public struct PostgresError: Error, Sendable, Equatable {
    /// Where the error comes from.
    public enum Kind: Sendable, Equatable {
        /// No connection could be made, or it broke.
        case connection
        /// The server refused; `sqlState` says why.
        case server
        /// The peer sent what this driver cannot read.
        case protocolViolation
        /// The caller asked for something that cannot work (a bug in the caller).
        case usage
        /// The deadline of the call passed.
        case timeout
        /// A ``Canceller`` of this connection ended the statement.
        case cancelled
        /// The connection settings cannot be understood.
        case badSettings
    }

    /// Where the error comes from.
    public var kind: Kind
    /// The five-character SQLSTATE, when a server gave one.
    public var sqlState: String?
    /// The primary message. May quote record contents for errors of class 22.
    public var message: String
    /// The server's DETAIL line. Often quotes record contents.
    public var detail: String?
    /// The server's HINT line, or this driver's.
    public var hint: String?
    /// Schema of the object concerned.
    public var schema: String?
    /// Table concerned.
    public var table: String?
    /// Column concerned.
    public var column: String?
    /// Constraint concerned.
    public var constraint: String?
    /// Where in the server's functions and triggers it arose, innermost first; may quote record contents.
    public var context: String?
    /// Position in its pipeline of the statement that failed, counted from 0.
    public var statementIndex: Int?
    /// True when no statement can be sent on this connection any more.
    public var isConnectionLost: Bool
    /// True when the connection was lost after statements had been sent and before their answers were complete.
    /// A COMMIT among them may or may not have happened: read the database before writing again.
    public var isOutcomeUnknown: Bool
    /// True when the server asked for a password and none was given.
    var isPasswordMissing = false
    /// True when no connection came about.
    var isFromConnecting = false

    /// Describes an error of this driver or of the network; errors of the server are built from its answer.
    public init(
        _ kind: Kind,
        _ message: String,
        sqlState: String? = nil,
        hint: String? = nil,
        isConnectionLost: Bool = false,
        isOutcomeUnknown: Bool = false
    ) {
        self.kind = kind
        self.message = message
        self.sqlState = sqlState
        self.hint = hint
        self.isConnectionLost = isConnectionLost
        self.isOutcomeUnknown = isOutcomeUnknown
    }
}

extension PostgresError: CustomStringConvertible {
    /// One line for logs: the code, the message without quoted record contents, the objects concerned, the hint.
    public var description: String {
        var line = "postgres"
        if let sqlState { line += "[\(sqlState)]" }
        line += ": " + publicMessage
        let place = [("table", table), ("column", column), ("constraint", constraint)]
            .compactMap { name, value in value.map { "\(name) \($0)" } }
        if !place.isEmpty { line += " (" + place.joined(separator: ", ") + ")" }
        if let statementIndex { line += ", statement \(statementIndex) of its pipeline" }
        if isOutcomeUnknown { line += "; the outcome of what was sent is unknown" }
        if let hint { line += "; " + hint }
        return line
    }

    /// The primary message without what the server quotes from data: class 22 messages put the value between double
    /// quotes or behind the last colon.
    private var publicMessage: String {
        guard let sqlState, sqlState.hasPrefix("22") else { return message }
        var result = ""
        var isQuoted = false
        for character in message {
            if character == "\"" {
                isQuoted.toggle()
                result += isQuoted ? "\"…" : "\""
            } else if !isQuoted {
                result.append(character)
            }
        }
        if isQuoted { return String(result.prefix { $0 != "\"" }) + "…" }
        if let colon = result.lastIndex(of: ":") { return String(result[..<colon]) }
        return result
    }
}
