/// The functions of the expression language.
///
/// | function | result |
/// | --- | --- |
/// | `lower(t)`, `upper(t)` | the text with ASCII letters changed; all others stay as they are |
/// | `length(t)` | Unicode code points in the text |
/// | `starts_with(t, u)`, `ends_with(t, u)`, `contains(t, u)` | whether t begins with, ends with, holds u |
/// | `substring(t, start)`, `substring(t, start, count)` | code points from `start`, counted from 1 |
/// | `coalesce(a, b, …)` | the first that is not null |
/// | `abs(x)` | the number without its sign |
enum ExpressionFunction: String, CaseIterable, Sendable {
    case lower, upper, length
    case startsWith = "starts_with"
    case endsWith = "ends_with"
    case contains, substring, coalesce, abs

    /// How many arguments the function takes.
    var argumentCount: ClosedRange<Int> {
        switch self {
        case .lower, .upper, .length, .abs: 1...1
        case .startsWith, .endsWith, .contains: 2...2
        case .substring: 2...3
        case .coalesce: 2...64
        }
    }

    /// The call as the documentation writes it.
    var signature: String {
        switch self {
        case .lower, .upper, .length: "\(rawValue)(text)"
        case .abs: "abs(number)"
        case .startsWith, .endsWith, .contains: "\(rawValue)(text, text)"
        case .substring: "substring(text, start) or substring(text, start, count)"
        case .coalesce: "coalesce(value, value, …)"
        }
    }
}
