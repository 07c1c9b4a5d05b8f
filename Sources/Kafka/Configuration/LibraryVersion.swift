/// A librdkafka version.
public struct LibraryVersion: Comparable, Sendable, CustomStringConvertible {
    /// Major, minor and patch.
    public let major: Int, minor: Int, patch: Int

    /// Version `major.minor.patch`.
    public init(_ major: Int, _ minor: Int, _ patch: Int) {
        self.major = major
        self.minor = minor
        self.patch = patch
    }

    /// First version that reads every broker's ApiVersions answer.
    public static let apiVersionsSafe = LibraryVersion(2, 2, 0)
    /// First version that knows `fetch.queue.backoff.ms`.
    public static let fetchBackoffSettable = LibraryVersion(2, 2, 0)
    /// First version whose cooperative assignment neither loops nor loses partitions.
    public static let cooperativeSafe = LibraryVersion(2, 10, 1)

    /// By major, minor, patch.
    public static func < (left: LibraryVersion, right: LibraryVersion) -> Bool {
        (left.major, left.minor, left.patch) < (right.major, right.minor, right.patch)
    }

    /// `2.0.2`.
    public var description: String { "\(major).\(minor).\(patch)" }
}
