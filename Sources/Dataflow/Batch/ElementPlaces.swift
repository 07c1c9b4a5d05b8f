/// Where the rows of a batch lie when they are not its documents, but elements of an array in each of them.
public struct ElementPlaces {
    /// What the arrays are called in messages, in front of an element's number, from the outside in; none: the rows are the
    /// documents.
    public var arrays: [String] = []
    /// The keys that lead to each, from an element of the one before; none to the document itself.
    public var paths: [[String]] = []
    /// By row: the number of its document in the batch.
    public var documents: [UInt32] = []
    /// By row: the element's bytes in the batch's buffer; of length 0 for a document that is bad as a whole.
    public var ranges: [TextSlice] = []
    /// As many for each row as there are arrays: which element of each it is, or lies in, from 0; `UInt32.max` in the arrays
    /// inside of what is bad as a whole.
    public var numbers: [UInt32] = []

    /// The rows are the documents.
    public init() {}

    /// Whether the rows are the documents.
    public var isEmpty: Bool { arrays.isEmpty }

    /// Where a row stands in its document, such as `orders[1].items[0]`; empty for a document.
    public func name(of row: Int) -> String {
        guard ranges[row].length > 0 else { return "" }
        let numbers = numbers[row * arrays.count..<(row + 1) * arrays.count]
        return zip(arrays, numbers).prefix { $0.1 != .max }.map { "\($0)[\($1)]" }.joined(separator: ".")
    }

    var memoryBytes: Int { documents.capacity * 4 + ranges.capacity * 8 + numbers.capacity * 4 }

    mutating func removeAll() {
        guard !isEmpty else { return }
        arrays.removeAll()
        documents.removeAll(keepingCapacity: true)
        ranges.removeAll(keepingCapacity: true)
        numbers.removeAll(keepingCapacity: true)
    }
}
