internal import CRdKafka

extension LibraryVersion {
    /// The librdkafka this process runs with (not the one it was compiled with).
    public static var current: LibraryVersion {
        let version = Int(rd_kafka_version())
        return LibraryVersion((version >> 24) & 0xff, (version >> 16) & 0xff, (version >> 8) & 0xff)
    }
}
