/// Every bound of the Kafka driver in one place: unit, default, and why.
public enum KafkaLimits {
    /// Messages taken out of librdkafka in one call: large enough to pay for the call, small enough to stay in cache.
    public static let pollMessagesMax = 8192
    /// KiB of message payload waiting inside librdkafka; librdkafka's default of 64 MiB is a budget of its own.
    public static let queuedKilobytes = 16 * 1024
    /// Messages librdkafka tries to keep waiting per partition. Not lower: before 2.2.0 a queue that is "full" by this
    /// measure backs off for a second.
    public static let queuedMessagesMin = 100_000
    /// Bytes asked for per partition and fetch.
    public static let fetchPartitionBytes = 1 << 20
    /// Bytes asked for per fetch over all partitions; one such answer per broker may be in flight. Compressed events are
    /// five times as large once they are unpacked, all of them at once.
    public static let fetchBytes = 4 << 20
    /// How much larger compressed events get when they are unpacked.
    public static let unpackedRatio = 5
    /// Mean payload of a message, for what librdkafka spends on each: that of `millrace generate`.
    public static let messageBytesMean = 340
    /// The least `fetch.max.bytes` that librdkafka takes unless told otherwise.
    static let messageBytesMax = 1_000_000
    /// How long a broker may hold back the answer to a fetch that finds nothing. Kafka answers as soon as there is anything,
    /// so this delays nothing there; the development broker only looks again after this time.
    public static let fetchWait = Duration.milliseconds(500)
    /// Bytes librdkafka spends on each queued message besides its payload (about 300, seen with 2.0.2).
    public static let queuedMessageOverheadBytes = 300
    /// How late waits of librdkafka's threads may end: see `TimerSlack`.
    static let timerSlack = Duration.milliseconds(2)
    /// How long closing a client may take before it is abandoned: closing can hang in old versions.
    public static let closeTimeout = Duration.seconds(10)
    /// How long an answer about metadata, offsets or topics may take.
    public static let requestTimeout = Duration.seconds(10)
    /// How long `produce` waits for room in the queue before it gives up.
    public static let produceTimeout = Duration.seconds(60)
    /// Events kept between two polls; the oldest are dropped first, a fatal one is never lost.
    public static let eventsMax = 256
    /// How long the group waits for a member that is silent before it gives its partitions to others. Short, because two
    /// that read at once cannot both commit: the database refuses the older one. Real brokers take no less than 6 seconds.
    public static let sessionTimeout = Duration.seconds(10)
    /// How often a member says that it is there: a third of the session timeout at most.
    public static let heartbeat = Duration.seconds(3)
    /// How soon new partitions, new topics and rights granted are noticed; one small request per client.
    public static let metadataRefresh = Duration.seconds(5)
    /// Bytes of text librdkafka may write about an error.
    static let errorTextBytes = 1024
}
