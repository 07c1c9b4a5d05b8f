/// The array in a document whose elements are the records. It may stand in the elements of another array, and so on.
public struct ElementArray: Sendable, Hashable {
    /// The most arrays that may hold one another.
    public static let countMax = 8

    /// The keys that lead to each array, unescaped, from the outside in: to the first one from the document's root, none when
    /// the document itself is the array; to each other one from an element of the one before. Of the last one, elements are
    /// records.
    public var paths: [[String]]
    /// Whether an array may be missing, or null stand in its place: then there are no records of it. Else what lacks it is bad.
    public var isOptional: Bool

    /// The array at `path`.
    public init(_ path: [String], isOptional: Bool = false) {
        self.init(paths: [path], isOptional: isOptional)
    }

    /// The array at the last of `paths`.
    public init(paths: [[String]], isOptional: Bool = false) {
        self.paths = paths
        self.isOptional = isOptional
    }

    /// The path as people write it: `items`, `orders[].items`, and `[]` for the document itself.
    public var name: String { isDocument ? "[]" : names.joined(separator: "[].") }

    /// Each array as it is called where it stands; empty for the document itself.
    public var names: [String] { paths.map { FieldDeclaration.written($0) } }

    /// Whether the elements of the document itself are the records.
    public var isDocument: Bool { paths == [[]] }
}
