/// Every bound of the sources.
enum SourceLimits {
    /// The longest line that versions before 2 read from files: positions of theirs have a checksum of all of it.
    static let oldLineBytesMax = 64 << 20
    /// Bytes of a file's last line that its position remembers the checksum of.
    static let tailBytesMax = 64 << 10
    /// Files that are open at once: they stay so until what was read of them is committed, and a process may usually have
    /// 1,024.
    static let openFilesMax = 256
    /// How long a stream may give nothing at first before it is said what is waited for.
    static let firstByte = Duration.seconds(5)
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
