extension PostgresError {
    /// What a caller does about an error.
    public enum Fate: Sendable, Equatable {
        /// Run the whole transaction again on the same connection, after a moment with jitter.
        case retryTransaction
        /// Connect again, with back-off, and read what the database holds before writing.
        case reconnect
        /// The database refuses a value: find its record, put it aside, write the rest. A retry never helps.
        case data
        /// A person has to change a setting, a right or a schema. A retry never helps.
        case configuration
        /// Stop reading and try again later: the server has no space left.
        case diskFull
        /// None of the above; a bug, or a constraint that somebody added.
        case other
    }

    /// What to do about this error.
    ///
    /// | SQLSTATE | fate |
    /// | --- | --- |
    /// | 40001, 40P01, 55P03, 57014, 53000, 53200 | `retryTransaction` |
    /// | 08xxx, 57P01-03, 57P05, 53300, 25006, 25P03-04 | `reconnect` |
    /// | 22xxx, 54xxx | `data` |
    /// | 28xxx, 3D000, 3F000, 42xxx, 0A000, 57P04, F0000 | `configuration` |
    /// | 53100 | `diskFull` |
    ///
    /// A connection that cannot be made because of a setting (a wrong certificate, a port that is not PostgreSQL's) is
    /// `configuration`. Without an SQLSTATE: settings are `configuration`, a lost connection is `reconnect`, a passed deadline on a
    /// living connection is `retryTransaction`, everything else is `other`.
    public var fate: Fate {
        if settingAtFault != nil { return .configuration }
        if let sqlState, let fate = Self.fate(ofSQLState: sqlState) { return fate }
        switch kind {
        case .badSettings: return .configuration
        case .connection: return isPasswordMissing ? .configuration : .reconnect
        case .timeout, .cancelled: return isConnectionLost ? .reconnect : .retryTransaction
        case .server, .protocolViolation, .usage: return isConnectionLost ? .reconnect : .other
        }
    }

    /// True when the same work can succeed later without a person's help.
    public var isRetryable: Bool {
        switch fate {
        case .retryTransaction, .reconnect, .diskFull: true
        case .data, .configuration, .other: false
        }
    }

    private static func fate(ofSQLState state: String) -> Fate? {
        switch state {
        case "40001", "40P01", "55P03", "57014", "53000", "53200": return .retryTransaction
        case "57P01", "57P02", "57P03", "57P05", "53300", "25006", "25P03", "25P04": return .reconnect
        case "53100": return .diskFull
        case "3D000", "3F000", "0A000", "57P04", "F0000": return .configuration
        default: break
        }
        switch state.prefix(2) {
        case "08": return .reconnect
        case "22", "54": return .data
        case "28", "42": return .configuration
        default: return nil
        }
    }
}
