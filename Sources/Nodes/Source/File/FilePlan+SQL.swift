import Declaration

extension FilePlan: QueryableSource {
    /// Files have no topic: whoever loads them writes the node's name there.
    package var rawCondition: String? { "topic = \(SQLWord.literal("file:" + node))" }
}
