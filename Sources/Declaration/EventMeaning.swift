/// One line of what the rows of a table mean: what is defined, and how.
public struct DefinitionLine: Hashable, Sendable {
    /// `window`, `metric users`, `field ts`, …
    public var key: String
    /// What it is, in canonical form, on one line.
    public var value: String

    /// Creates a line.
    public init(_ key: String, _ value: String) {
        self.key = key
        self.value = value
    }
}

/// What decides what the rows of a table mean, gathered from the table back to the source.
public struct EventMeaning: Sendable {
    /// The fields that something behind depends on.
    public var usedFields: Set<String> = []
    /// Whether something behind depends on the event time.
    public var usesEventTime = false
    /// What was found; each line once.
    public private(set) var lines: [DefinitionLine] = []

    /// Nothing found yet.
    public init(usedFields: Set<String> = [], usesEventTime: Bool = false) {
        self.usedFields = usedFields
        self.usesEventTime = usesEventTime
    }

    /// Adds a line, unless it is there.
    public mutating func add(_ key: String, _ value: String) {
        let line = DefinitionLine(key, value)
        if !lines.contains(line) { lines.append(line) }
    }
}
