/// What taps may take of a process.
enum TapLimits {
    /// Taps at once.
    static let taps = 8
    /// One that nobody has asked for so long is closed.
    static let idle = Duration.seconds(5)
    /// Records that are kept until somebody asks.
    static let records = 200
    /// Bytes of a record; of a longer one only its length is shown.
    static let recordBytes = 16 << 10
}
