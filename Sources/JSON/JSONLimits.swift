/// Bounds of the parser; a document beyond one of them is bad.
public struct JSONLimits: Sendable, Hashable {
    /// 64 levels: no event needs more, and hostile nesting costs no stack. It rejects JSONTestSuite's
    /// i_structure_500_nested_arrays.
    public static let depthDefault = 64
    /// The deepest nesting that can be asked for; the walker keeps one byte of stack per level.
    public static let depthMost = 1024
    /// 1 MiB: the largest message Kafka takes by default.
    public static let documentLengthDefault = 1 << 20
    /// 256 bytes: group keys go into B-tree indexes, which refuse long ones.
    public static let textLengthDefault = 256
    /// 1 GiB: positions in a batch buffer are 32 bits wide, its arena included.
    public static let batchLengthMax = 1 << 30

    /// Arrays and objects inside each other, 1...1024.
    public var depthMax: Int
    /// Bytes of one document, 1...1 GiB.
    public var documentLengthMax: Int

    /// The given bounds.
    public init(depthMax: Int = depthDefault, documentLengthMax: Int = documentLengthDefault) {
        self.depthMax = depthMax
        self.documentLengthMax = documentLengthMax
    }
}
