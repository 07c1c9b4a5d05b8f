import Declaration

extension FilePlan: QueryableSource {
    /// Files have no topic: whoever loads them writes the node's name there.
    package var rawCondition: String? { "topic = \(SQLWord.literal("file:" + node))" }

    package var hasPartitions: Bool {
        patterns.count > 1 || patterns.contains { pattern in pattern.text.contains(where: "*?[".contains) }
    }
}
