/// Every bound of the Postgres sink.
enum SinkLimits {
    /// Rows in one statement: enough to amortise the round trip, few enough that keys, stored sketches and new rows of
    /// one statement stay a few megabytes.
    static let rowsPerStatement = 4_000
    /// How often a batch of inserts may meet rows of another instance before something else must be wrong.
    static let insertRacesMax = 5
    /// The longest wait for a row lock before the transaction is run again.
    static let lockTimeoutMilliseconds = 10_000
    /// The first and the longest pause between two tries.
    static let pauseFirst = Duration.milliseconds(20)
    static let pauseLongest = Duration.seconds(2)
    /// How long one attempt to connect may take.
    static let connectTimeout = Duration.seconds(10)
    /// Transient failures of one transaction before the user is told; a deadlock or two is nobody's business.
    static let quietRetries = 3
    /// Message timestamps that are kept with dead letters, in milliseconds since 1970: years 1 to 9999.
    static let messageTimes: ClosedRange<Int64> = -62_135_596_800_000...253_402_300_799_999
    /// Groups that one search may find refused, over all tables: what it takes stays some ten thousand statements.
    static let refusedGroupsPerSearch = 500
    /// Groups remembered as refused, of one summary, and refused in a row without a commit before Millrace stops: so
    /// many are no exceptions.
    static let refusedGroupsMax = 5_000
}
