/// Text that a database of any encoding can store.
enum ReasonText {
    /// The text as it is where the encoding holds it, else with what it may lack as Postgres' own escapes (`\u20ac`,
    /// `\U0001f600`; a backslash is then doubled), so that nothing is lost. U+0000 fits nowhere and is always escaped.
    ///
    /// Server encodings hold ASCII, all of them, and UTF8 and SQL_ASCII take every UTF-8 text as it comes.
    /// - Parameter encoding: the server's `server_encoding`, nil when it is not known.
    static func storable(_ text: String, encoding: String?) -> String {
        let takesAll = encoding == "UTF8" || encoding == "SQL_ASCII"
        guard text.utf8.contains(where: { $0 == 0 || ($0 >= 0x80 && !takesAll) }) else { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            // Ours, where something was left out.
            case "…" where !takesAll: result += "..."
            case "\0": result += "\\u0000"
            case _ where scalar.isASCII || takesAll: result.unicodeScalars.append(scalar)
            default:
                let digits = String(scalar.value, radix: 16)
                let (mark, width) = scalar.value > 0xffff ? ("\\U", 8) : ("\\u", 4)
                result += mark + String(repeating: "0", count: width - digits.count) + digits
            }
        }
        return result
    }
}
