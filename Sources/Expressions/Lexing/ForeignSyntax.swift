/// What SQL and other languages would have at a place where an expression cannot go on, and what to write instead.
enum ForeignSyntax {
    /// The way out for a token behind a value; nil when it belongs to no language.
    static func hint(for token: ExpressionToken) -> String? {
        switch token.kind {
        case .name(let word, isQuoted: false):
            switch word.lowercased() {
            case "similar", "regexp", "rlike", "matches": "write regexp_like(field, 'pattern')"
            case "when", "then", "else", "end": "a case begins with case: case when a > 1 then 'x' else 'y' end"
            case "collate": "texts are compared by their bytes"
            case "contains", "starts_with", "ends_with", "startswith", "endswith":
                "it is a function: contains(field, 'x')"
            case "div": "write div(a, b)"
            case "mod": "write a % b"
            case "xor": "write a != b"
            case "isnull": "write is null"
            case "notnull": "write is not null"
            default: nil
            }
        case .symbol(.colon): "a cast is written with two: field::integer"
        case .symbol(.leftBracket): "an element of JSON in a text is json_extract_path_text(field, '0')"
        default: nil
        }
    }

    /// The way out for what stands behind `is` or `is not` in place of `null`.
    static func hintAfterIs(_ token: ExpressionToken, isNegated: Bool) -> String? {
        switch token.kind {
        case .keyword(.true): isNegated ? "write not field" : "write the field alone, or field = true"
        case .keyword(.false): isNegated ? "write field = true" : "write field = false"
        default: nil
        }
    }
}
