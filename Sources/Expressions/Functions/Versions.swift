extension FunctionCatalog {
    static let versions: [ExpressionFunction] = [
        versionPart("major", 0, "17.4.1", "17"), versionPart("minor", 1, "v17.4.1-beta", "4"),
        versionPart("patch", 2, "17.4", nil),
    ]

    private static func versionPart(_ name: String, _ index: Int, _ example: String, _ value: String?)
        -> ExpressionFunction
    {
        ExpressionFunction(
            "version_\(name)",
            "The \(name) number of a version such as `17.4.1` or `v17.4.1-beta`; null where there is none.",
            [.init("version_\(name)('\(example)')", value)], isOwn: true,
            .form([.text("version")], .integer, Kernel.map { (text: TextView) in part(text, index) }.searching))
    }

    /// The number at a place between points; nil when the text does not go so far in numbers.
    private static func part(_ text: TextView, _ wanted: Int) -> Int64? {
        var index = text.count > 0 && text[0] | 0x20 == UInt8(ascii: "v") ? 1 : 0
        var place = 0
        while true {
            let start = index
            while index < text.count, (0x30...0x39).contains(text[index]) { index += 1 }
            guard index > start, index - start <= 18 else { return nil }
            if place == wanted { return NumberText.integer(text[start..<index]) }
            guard index < text.count, text[index] == UInt8(ascii: ".") else { return nil }
            index += 1
            place += 1
        }
    }
}
