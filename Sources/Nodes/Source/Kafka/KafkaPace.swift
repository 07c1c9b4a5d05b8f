/// How often a Kafka source looks around; tests look more often.
package struct KafkaPace: Sendable {
    /// How often the logs that are read are looked at: whether they still hold the records that were read. What a topic that
    /// is re-created meanwhile adds to the tables is what is read in two such times.
    package var watch = Duration.seconds(2)
    /// The same while nothing comes.
    var watchOfQuiet: Duration { watch * 2 }
    /// How often the rows of halted partitions are looked at: a person may have mended them.
    package var mended = Duration.seconds(5)
    /// The first time after which a partition that could not be read is tried again; then it doubles.
    package var postpone = Duration.seconds(1)
    /// The pace that suits clusters.
    package init() {}
}
