/// Bounds of permits that processes share, each with its reason.
enum PermitLimits {
    /// How long what was lent counts after the database was asked last, and answered: a process that cannot ask ends what
    /// uses permits then.
    static let keep = Duration.seconds(6)
    /// How long the session of a process must be known to be gone before its permits are given to others. Longer than
    /// `keep`, by what it takes to end programs on a busy machine; both are lengths of time by clocks of one process each.
    static let grace = Duration.seconds(10)
    /// How often a process that has permits, or wants some, asks; whatever changes is told besides (`NOTIFY`).
    static let reading = Duration.seconds(2)
    /// How often one asks that has none and wants none.
    static let idleReading = Duration.seconds(30)
    /// The longest that one question may take.
    static let question = Duration.seconds(1)
    /// The longest that connecting may take.
    static let connect = Duration.seconds(3)
    /// The first and the longest pause before another try to connect.
    static let pauseFirst = Duration.milliseconds(100)
    static let pauseLongest = Duration.seconds(2)
    /// How far back a process looks at what it could use when others want permits: longer than the moments without a batch
    /// of one that has work.
    static let window = Duration.milliseconds(300)
    /// How long those keep them who have got the permits that do not suffice for all: long against the start of a program.
    static let turnSeconds = 10.0
    /// Exchanges of a row that others have changed meanwhile, before it is waited for news.
    static let exchangesMax = 20
    /// The longest that giving everything back may take at the end; what is not given back is free after `grace`.
    static let giveBack = Duration.seconds(1)
    /// "milp": the first half of the number of the lock that a session holds; the second is its mark.
    static let space: Int32 = 0x6d69_6c70
}
