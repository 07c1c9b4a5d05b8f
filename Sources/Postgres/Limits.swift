/// The driver's bounds, each with its unit and its reason.
enum Limits {
    /// How long a call that passed its deadline waits for the server to confirm the cancellation. Beyond it the
    /// connection is given up: a transaction of unknown fate is worse than a reconnect.
    static let cancelGrace: Duration = .seconds(2)

    /// How long a call that is given up waits for its cancel request to be on its way: a stop must not take longer.
    static let cancelSendGrace: Duration = .milliseconds(300)

    /// The oldest server that the statements of this driver's users are written for.
    static let serverVersionMin = 130_000

    /// `client_connection_check_interval` in milliseconds: how soon a server that works on a statement, or waits for a
    /// lock, notices that its client has gone.
    static let connectionCheckInterval = "5000"

    /// Default `connect_timeout` in seconds, per address: a dead host must not hide a living one behind it for long.
    static let connectTimeout = "5"

    /// Default `tcp_user_timeout` in milliseconds: unacknowledged data for this long means the peer is gone.
    static let tcpUserTimeout = "30000"

    /// Default keep-alive: a silent peer is noticed after 15 + 3 x 5 seconds.
    static let keepalivesIdle = "15"
    static let keepalivesInterval = "5"
    static let keepalivesCount = "3"

    /// Bytes in one parameter: PostgreSQL refuses fields above 1 GB, and one message holds them all.
    static let parameterBytesMax = 1_000_000_000

    /// Rows that libpq hands over together where it can (17 and later): its cost per result then hardly counts, and rows
    /// of a hundred kilobytes still take no more than a few megabytes.
    static let chunkRows: Int32 = 32

    /// Parameters of one statement: the protocol counts them in 16 bits.
    static let parametersMax = 65_535

    /// Digits after the decimal point that a `numeric` can declare.
    static let numericScaleMax = 16_383
}
