/// The array in a document whose elements are the records.
public struct ElementArray: Sendable, Hashable {
    /// The keys from the document's root to the array, unescaped; none when the document itself is the array.
    public var path: [String]
    /// Whether a document may lack the array, or have null in its place: then it has no records. Else it is bad.
    public var isOptional: Bool

    /// The array at `path`.
    public init(_ path: [String], isOptional: Bool = false) {
        self.path = path
        self.isOptional = isOptional
    }

    /// The path as people write it: `[]` for the document itself.
    public var name: String { path.isEmpty ? "[]" : FieldDeclaration.written(path) }
}
