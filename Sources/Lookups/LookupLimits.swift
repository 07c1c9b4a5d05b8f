/// The bounds of a dimension, each with its unit and its reason.
enum LookupLimits {
    /// Shards of a table: a refresh holds one of them twice, so 64 make its peak 1.02 times the table; a snapshot of the
    /// shards is taken per batch, so there should not be many more.
    static let shardBits = 6
    static let shards = 1 << shardBits

    /// Bits of a handle that are left for the row in its shard.
    static let rowBits = 32 - shardBits
    /// Rows of one shard; the last number stands for no row.
    static let shardRowsMax = 1 << rowBits - 1

    /// Bytes of the keys, or of one column's texts, of one shard: they are addressed with 32 bits.
    static let shardBytesMax = Int(UInt32.max)

    /// Bytes of a key or of a cell: its length is kept in 16 bits.
    static let textBytesMax = 65_535

    /// Rows per bucket, on average: fewer cost memory for where buckets start, of more the block no longer lies in two lines
    /// of the cache.
    static let bucketRows = 4

    /// Bytes that the spill file keeps in memory per shard, before it writes: 1 MiB in all.
    static let spillBufferBytes = 16 << 10

    /// Keys of a batch that are looked up together: enough for their cache misses to overlap, few enough for the stack.
    static let keysTogether = 32

    /// Bytes of a key that a message shows.
    static let shownKeyBytes = 80

    /// Rows between two looks at whether the load is to be given up.
    static let rowsPerLook = 4_096
}
