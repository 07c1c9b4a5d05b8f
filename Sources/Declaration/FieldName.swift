/// The rule for names of fields, wherever a topology gives one.
public enum FieldName {
    /// The longest name of a field: with what a metric adds to it, it still is a column's name.
    public static let bytesMax = 59

    /// What is wrong with a name, nil when nothing is.
    /// - Parameters:
    ///   - shorter: what to do about a name that is too long.
    ///   - other: what to do about one of other characters.
    public static func problem(
        _ name: String, at location: SourceLocation, shorter: String? = nil, other: String? = nil
    ) -> Diagnostic? {
        if name.utf8.count > bytesMax {
            return Diagnostic(
                code: "field-name", at: location,
                "a field's name is too long, found \(name.utf8.count) bytes, expected at most \(bytesMax)",
                hint: shorter)
        }
        guard !isName(name) else { return nil }
        return Diagnostic(
            code: "field-name", at: location,
            "a field cannot be called \(name), expected a letter or _, then letters, digits or _",
            hint: other ?? similar(to: name).map { "write \($0)" })
    }

    /// A name with _ in place of what names do not hold; nil when little would be left of it.
    private static func similar(to name: String) -> String? {
        guard name.utf8.contains(where: isLetter), name.utf8.allSatisfy({ $0 < 128 }) else { return nil }
        let plain = name.utf8.map { isLetter($0) || (48...57).contains($0) ? Character(Unicode.Scalar($0)) : "_" }
        let similar = String(plain)
        return isName(similar) ? similar : "_" + similar
    }

    private static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, first == 95 || isLetter(first) else { return false }
        return text.utf8.allSatisfy { $0 == 95 || isLetter($0) || (48...57).contains($0) }
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (97...122).contains(byte | 0x20) }
}
