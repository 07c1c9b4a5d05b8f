/// Where a record stands in the log: the same in every process and every run, however the log was cut into batches.
///
/// Records of one partition are ordered as they stand in it; of records of two partitions the same one always comes first.
public struct RecordPlace: Hashable, Comparable, Sendable, BitwiseCopyable {
    /// Stands for the partition (`BatchRun.identity`).
    public var partition: UInt64
    /// The message's offset; of a line of a file, or of an element in one, the position of its first byte.
    public var offset: Int64
    /// Which bytes of the message it is, by where they begin; 0 for files.
    public var within: UInt32

    /// A place.
    public init(partition: UInt64, offset: Int64, within: UInt32) {
        self.partition = partition
        self.offset = offset
        self.within = within
    }

    /// Whether a record stands before another one.
    @inline(__always)
    public static func < (left: RecordPlace, right: RecordPlace) -> Bool {
        if left.partition != right.partition { return left.partition < right.partition }
        if left.offset != right.offset { return left.offset < right.offset }
        return left.within < right.within
    }
}
