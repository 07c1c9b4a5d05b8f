/// Bounds on what a topology file may hold, so that a hostile or generated file ends in a diagnostic.
enum DocumentLimits {
    /// Bytes of a file; the largest shipped topology has 3,000.
    static let bytesMax = 1 << 20
    /// Bytes of all values together after variables were replaced: `${A}` may stand in a file ten thousand times.
    static let expandedBytesMax = 4 << 20
    /// Maps and lists inside each other; a topology needs about ten.
    static let depthMax = 64
    /// Values after aliases were followed, which can multiply them (the "billion laughs").
    static let nodesMax = 100_000
    /// Duplicate keys reported in one file.
    static let duplicatesMax = 100
    /// Characters of a topology's or a node's name: with a prefix it still fits Postgres' 63.
    static let nameMax = 48
    /// Batches at once in one node.
    static let concurrencyMax: Int64 = 1024
}
