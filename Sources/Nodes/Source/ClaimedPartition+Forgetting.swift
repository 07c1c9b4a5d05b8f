import Dataflow

extension ClaimedPartition {
    /// What is to be set in a row of `millrace.partitions` when another log is read, or another part of it, in SQL: the
    /// row forgets what it says of the records in front, tail and clock.
    static let forgetting =
        "tail_offset = NULL, tail_timestamp = NULL, tail_checksum = NULL, "
        + "clock_time = NULL, clock_ahead = NULL, clock_candidate = NULL"
}
