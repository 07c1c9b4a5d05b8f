/// Every bound of the sources.
enum SourceLimits {
    /// The longest line of a file; a longer one means that the file is no NDJSON. The parser's own limit on records is
    /// lower and turns them into dead letters.
    static let lineBytesMax = 64 << 20
    /// How long a tail check may wait for its record.
    static let tailFetch = Duration.seconds(10)
    /// How long a call about offsets or metadata may take before it is tried again.
    static let request = Duration.seconds(10)
    /// How long a poll waits for messages: bounds how late a stop or a rewind is noticed.
    static let poll = Duration.milliseconds(20)
    /// While nothing may be read for want of batches, one message is taken this often: rebalances are answered by polls
    /// only, and the other members wait for ours; a member that does not poll for `max.poll.interval.ms` (5 minutes) is
    /// thrown out.
    static let keepAlive = Duration.seconds(3)
    /// How often offsets are committed to Kafka, for lag tools.
    static let offsetCommit = Duration.seconds(5)
    /// How often a source says how it stands: what waits decides how long epochs last.
    static let status = Duration.milliseconds(100)
    /// How long a trouble with Kafka must have stayed away before it is logged anew.
    static let troubleRepeat = Duration.seconds(60)
}
