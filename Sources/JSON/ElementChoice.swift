/// An element of an array of objects on the way to a field, chosen by what stands under a key in it, as `http.method` under
/// `key` in `[{"key": "http.method", "value": "GET"}]`. Of several such elements the last one counts.
public struct ElementChoice: Sendable, Hashable {
    /// How many keys of the field's path lead to the array, 1 or more; those behind begin at the element.
    public var depth: Int
    /// The key in the elements, unescaped.
    public var key: String
    /// What stands under it in the element that is meant: a text, or a number or a boolean as it is written.
    public var text: String

    /// A choice behind so many keys.
    public init(depth: Int, key: String, text: String) {
        self.depth = depth
        self.key = key
        self.text = text
    }

    /// As people write it: `[key=http.method]`.
    public var name: String {
        let isPlain =
            !text.isEmpty && !text.contains { "]`'\"\\".contains($0) || $0.isWhitespace } && !text.hasPrefix("=")
        return "[\(FieldDeclaration.written([key]))=\(isPlain ? text : "`" + text.replacing("`", with: "``") + "`")]"
    }
}
