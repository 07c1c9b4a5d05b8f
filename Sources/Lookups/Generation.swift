import Glibc

/// One content of a dimension: what is written beside the offsets of the records that it was joined to, so that a replay
/// with another content is noticed.
public struct Generation: Sendable, Equatable {
    /// Counts the contents of a table, from 1.
    public let number: Int
    /// 128 bits in hexadecimal digits that depend on fields and rows, and not on the order of the rows: the sum of the
    /// rows' hashes (Bellare and Micciancio, A New Paradigm for Collision-Free Hashing, 1997, with MurmurHash3, which
    /// tells contents apart that came about by themselves, not those that somebody has made to collide).
    public let digest: String
    /// Rows that can be found.
    public let rows: Int
    /// Rows of the source that cannot: a field of their key is null, or they hold at no moment.
    public let rowsIgnored: Int
    /// When its content was last read to the end, in microseconds since 1970-01-01 UTC.
    public let loadedAt: Int64

    /// A content of something that is no table, such as a database of networks.
    /// - Parameter digest: stands for the content.
    public init(number: Int, digest: String, rows: Int, rowsIgnored: Int = 0) {
        self.init(number: number, digest: digest, rows: rows, rowsIgnored: rowsIgnored, loadedAt: Self.now())
    }

    init(number: Int, digest: String, rows: Int, rowsIgnored: Int, loadedAt: Int64) {
        self.number = number
        self.digest = digest
        self.rows = rows
        self.rowsIgnored = rowsIgnored
        self.loadedAt = loadedAt
    }

    /// The present moment, in microseconds since 1970-01-01 UTC.
    static func now() -> Int64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000
    }
}
