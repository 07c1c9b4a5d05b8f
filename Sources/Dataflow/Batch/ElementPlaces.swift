/// Where the rows of a batch lie when they are not its documents, but elements of an array in each of them.
public struct ElementPlaces {
    /// What the array is called in messages, in front of an element's number; nil: the rows are the documents.
    public var name: String?
    /// By row: the number of its document in the batch.
    public var documents: [UInt32] = []
    /// By row: the element's bytes in the batch's buffer; of length 0 for a document that is bad as a whole.
    public var ranges: [TextSlice] = []

    /// The rows are the documents.
    public init() {}

    /// Whether the rows are the documents.
    public var isEmpty: Bool { name == nil }

    var memoryBytes: Int { documents.capacity * 4 + ranges.capacity * 8 }

    mutating func removeAll() {
        guard !isEmpty else { return }
        name = nil
        documents.removeAll(keepingCapacity: true)
        ranges.removeAll(keepingCapacity: true)
    }
}
