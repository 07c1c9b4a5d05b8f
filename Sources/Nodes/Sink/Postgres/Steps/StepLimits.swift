/// Bounds of the programs that run after commits; what a user can set is in `StepPlan.fields`.
enum StepLimits {
    /// Keys of changed rows that wait in `millrace.step_rows` for one table. Beyond it they are not kept any more, and the
    /// program is told that any row may have changed.
    static let keysMax = 250_000
    /// Keys in one row of `millrace.step_rows`, and rows that are read at once: some hundred kilobytes.
    static let keysPerPart = 4_000
    /// Bytes set aside for each key while the program runs.
    static let bytesPerKey = 64
    /// Bytes of `MILLRACE_POSITIONS`; longer ones are left out. Linux takes 128 KiB in one variable.
    static let positionsBytesMax = 100_000
    /// How often an instance that runs a program says so in the database, and how long it must have been silent before
    /// another one runs it.
    static let sign = Duration.seconds(2)
    static let silence = Duration.seconds(10)
    /// The longest that one sign may take; a database that is away must not keep a program from its limits.
    static let signTime = Duration.seconds(1)
    /// How often it is looked for what others have left undone.
    static let look = Duration.seconds(10)
    /// How soon, when another instance is at it.
    static let lookAtOthers = Duration.seconds(1)
    /// The pause after the first failure in a row; doubles each time.
    static let pauseFirst = Duration.seconds(1)
    /// The longest pause.
    static let pauseLongest = Duration.seconds(60)
    /// Tries at the end of a topology whose sources have ended; the next run tries again.
    static let triesAtEnd = 3
    /// The longest wait for the database at that end.
    static let databaseAtEnd = Duration.seconds(30)
    /// How long a program may go on that runs when the topology is told to stop.
    static let stopGrace = Duration.seconds(2)
    /// How long it may take after that to write down what became of it.
    static let stopWriting = Duration.seconds(1)
}
