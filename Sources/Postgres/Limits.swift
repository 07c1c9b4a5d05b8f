/// The driver's bounds, each with its unit and its reason.
enum Limits {
    /// How long a call that passed its deadline waits for the server to confirm the cancellation. Beyond it the
    /// connection is given up: a transaction of unknown fate is worse than a reconnect.
    static let cancelGrace: Duration = .seconds(2)

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

    /// Parameters of one statement: the protocol counts them in 16 bits.
    static let parametersMax = 65_535

    /// Digits after the decimal point that a `numeric` can declare.
    static let numericScaleMax = 16_383
}
