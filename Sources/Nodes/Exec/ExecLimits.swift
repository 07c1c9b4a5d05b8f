/// Bounds of programs that `exec` nodes run; what a user can set is in the node's spec.
enum ExecLimits {
    /// Records that a program which lives on has at once: enough to hide the way there and back, few enough to do again.
    static let handMax = 256
    /// Bytes of records that it has at once: what a pipe holds.
    static let handBytesMax = 64 << 10
    /// Where permits are shared with other processes: records that it has at first, when nobody knows how fast it is.
    static let handFirst = 16
    /// And how long those should take that it has: as long as that, others wait for its permit.
    static let handTime = Duration.milliseconds(500)
    /// Records of one run of a program that is started anew for each run: hides what a start costs.
    static let runMax = 8_192
    /// Bytes of records of one such run.
    static let runBytesMax = 4 << 20
    /// The longest answer in bytes, without its newline: as long as a document may be.
    static let answerBytesMax = 1 << 20
    /// Bytes of answers that the records of one batch may have; a text column holds no more.
    static let answersBytesMax = 256 << 20
    /// How often programs that say nothing are looked at: whether they live, and how much memory they have.
    static let look = Duration.milliseconds(100)
    /// How long at least and at most a program that has answered all it got is listened to: it may write a line more.
    static let listenLeast = Duration.milliseconds(2)
    static let listenMost = Duration.milliseconds(100)
    /// How long a program that has closed its output may take to end.
    static let exitGrace = Duration.seconds(1)
    /// The first pause before a program is started again that had ended without answering anything; doubles each time.
    static let pauseFirst = Duration.milliseconds(50)
    /// The longest such pause.
    static let pauseLongest = Duration.seconds(1)
    /// Records in a row that are given up, with no answer in between, at which it is the program that is broken.
    static let givenUpInARowMax = 10
    /// Failures of a source's program in a row, without a new line in between, at which the topology stops.
    static let sourceFailuresMax = 5
    /// Bytes kept of a line that a program writes to standard error.
    static let complaintBytesMax = 500
    /// Lines of standard error, or ends of programs, that are logged in a stretch of time; others are counted.
    static let linesPerStretch = 20
    /// That stretch.
    static let stretch = Duration.seconds(10)
}
