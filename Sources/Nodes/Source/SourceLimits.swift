/// Every bound of the sources.
enum SourceLimits {
    /// The longest line that versions before 2 read from files: positions of theirs have a checksum of all of it.
    static let oldLineBytesMax = 64 << 20
    /// Bytes of a file's last line that its position remembers the checksum of.
    static let tailBytesMax = 64 << 10
    /// Files that are open at once: they stay so until what was read of them is committed, and a process may usually have
    /// 1,024.
    static let openFilesMax = 256
    /// How long each request about a log may take when partitions are assigned: one broker in trouble keeps the partitions
    /// of the others waiting for that long.
    static let inspection = Duration.seconds(3)
    /// The same while reading goes on, when nobody waits.
    static let watchRequest = Duration.seconds(5)
    /// How many partitions are asked for a record at once: each may bring a whole batch of its producer.
    static let tailsAtOnce = 32
    /// How long after something looked wrong it is looked at again, before it is believed.
    static let secondLook = Duration.milliseconds(500)
    /// The longest time after which a partition that could not be read is tried again.
    static let postponeLongest = Duration.seconds(30)
    /// How long leaders are waited for when a topology begins at the end of its topics.
    static let founding = Duration.seconds(15)
    /// How long credentials and TLS settings may be refused before a source that never got in gives up.
    static let refusal = Duration.seconds(3)
    /// How long the group may take to assign partitions before it is said that they are waited for.
    static let assignment = Duration.seconds(5)
    /// How long leaving the group may take. Everything is committed by then; the group notices an absence by itself.
    static let leave = Duration.seconds(3)
    /// How long a consumer without a pipeline goes on being a member: the other members may have to wait for as long.
    static let standBy = Duration.seconds(10)
    /// How long a call about offsets or metadata may take before it is tried again; a stop waits for it.
    static let request = Duration.seconds(4)
    /// How long nothing may have come from a pipe before that is said.
    static let silence = Duration.seconds(5)
    /// How long a poll waits for messages, a stop or a rewind, before it is looked whether something else is to be done.
    static let poll = Duration.milliseconds(20)
    /// The same once nothing has come for `quiet`: a topology without any message shall cost nothing.
    static let pollOfQuiet = Duration.seconds(1)
    static let quiet = Duration.seconds(1)
    /// While nothing may be read for want of batches, one message is taken this often: rebalances are answered by polls
    /// only, and the other members wait for ours; a member that does not poll for `max.poll.interval.ms` (5 minutes) is
    /// thrown out.
    static let keepAlive = Duration.seconds(3)
    /// How often offsets are committed to Kafka, for lag tools.
    static let offsetCommit = Duration.seconds(5)
    /// How often a source says how it stands: what waits decides how long epochs last.
    static let status = Duration.milliseconds(100)
    /// How long a replay waits for a record that should be there.
    static let replaySilence = Duration.seconds(30)
    /// Dead letters that a replay fetches at once, with the first 4 KiB of their records.
    static let replayLetters = 1_000
    /// How often a trouble that lasts is logged again, and how long one must have stayed away to be logged anew.
    static let troubleRepeat = Duration.seconds(60)
}
