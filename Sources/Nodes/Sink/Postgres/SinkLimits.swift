/// Every bound of the Postgres sink.
enum SinkLimits {
    /// The most rows in one statement: enough to amortise the round trip.
    static let rowsPerStatement = 4_000
    /// The fewest, however large they are: a row has at most a few sketches of some kilobytes.
    static let rowsPerStatementMin = 50
    /// Rows in the first statement, when nothing is known of their size.
    static let rowsPerStatementFirst = 1_000
    /// What keys, stored rows and new rows of one statement should take together.
    static let statementBytes = 4 << 20
    /// How long making the rows of one statement should take: the transaction stands still meanwhile, and the server ends one
    /// that does so for `standingStillMilliseconds`.
    static let statementTime = Duration.seconds(1)
    /// Bytes set aside per group while groups are put in order: what it is sorted by, its place, and its key.
    static let orderBytesPerGroup = 80
    /// How often an epoch's inserts may meet rows that came into being since they were looked for, before something else
    /// must be wrong.
    static let insertRacesMax = 5
    /// How long opening a commit may take before another instance is taken to have held a ticket: much longer than a round
    /// trip, much shorter than a commit. From then on an epoch is sealed when its ticket is there, see `takeTurn`.
    static let ticketWait = Duration.milliseconds(10)
    /// The longest wait for a row lock before the transaction is run again.
    static let lockTimeoutMilliseconds = 10_000
    /// The longest wait for those who read the view of bounds when it is to be made again; then it stays as it was.
    static let viewLockTimeoutMilliseconds = 1_000
    /// How long a client may do nothing inside of a transaction before the server ends it, for the sake of others that
    /// wait for its locks. What happens here between two statements takes milliseconds.
    static let standingStillMilliseconds = 15_000
    /// How often the same error may fail an epoch before it is taken for one that does not pass, such as a trigger's.
    static let sameErrorsMax = 12
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
    /// Groups refused in a row, without a commit between, before Millrace stops: so many are no exceptions.
    static let refusedInARowMax = 2_000
    /// Tries of a single row that fails with what usually passes, before the row is blamed.
    static let blameTries = 3
    /// How much of a row's keys an error shows.
    static let shownKeyCharacters = 300
    /// The greatest position that is believed; what comes after it must still be a number.
    static let offsetMax: Int64 = 1 << 62
    /// How often an instance says that it is alive, and how long it must have been silent before another definition of
    /// its topology may start: three signs missed.
    static let signOfLife = Duration.seconds(5)
    static let instanceSilence = Duration.seconds(15)
    /// Old rows are looked for once in so many signs.
    static let signsBetweenDrops = 12
    /// The longest that one sign may take.
    static let signTime = Duration.seconds(3)
    /// How often a start that waits for that looks again.
    static let instanceLook = Duration.milliseconds(500)
    /// The longest that signing out may take at the end.
    static let signOut = Duration.seconds(1)
}
