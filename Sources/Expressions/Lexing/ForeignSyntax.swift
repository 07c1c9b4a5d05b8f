/// What SQL and other languages would have at a place where an expression cannot go on, and what to write instead.
enum ForeignSyntax {
    /// The way out for a token behind a value; nil when it belongs to no language.
    static func hint(for token: ExpressionToken) -> String? {
        switch token.kind {
        case .name(let word, isQuoted: false):
            switch word.lowercased() {
            case "like": "write contains(field, 'x'), starts_with(field, 'x') or ends_with(field, 'x')"
            case "ilike": "write contains(lower(field), 'x'), starts_with or ends_with"
            case "similar", "regexp", "rlike", "matches":
                "there are no regular expressions; write contains(field, 'x'), starts_with or ends_with"
            case "between": "write field >= 1 and field <= 2"
            case "when", "then", "else", "end":
                "there is no case; give each case a metric of its own, with where:"
            case "collate": "texts are compared by their bytes"
            case "contains", "starts_with", "ends_with", "startswith", "endswith":
                "it is a function: contains(field, 'x')"
            default: nil
            }
        case .symbol(.colon): "there are no casts; declare the field's type where records are parsed"
        case .symbol(.leftBracket): "there are no elements of arrays"
        default: nil
        }
    }

    /// The way out for what stands behind `is` or `is not` in place of `null`.
    static func hintAfterIs(_ token: ExpressionToken, isNegated: Bool) -> String? {
        switch token.kind {
        case .keyword(.true): isNegated ? "write not field" : "write the field alone, or field == true"
        case .keyword(.false): isNegated ? "write field == true" : "write field == false"
        case .name("distinct", isQuoted: false), .name("DISTINCT", isQuoted: false):
            isNegated ? "write ==" : "write != , and is null for nulls"
        default: nil
        }
    }
}
