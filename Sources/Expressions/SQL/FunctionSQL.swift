/// How a function is said in Postgres's SQL.
enum FunctionSQL: Sendable {
    /// By Postgres's function of the same name; whole numbers are its `integer`.
    case namesake
    /// By Postgres's function of the same name, for whole numbers of 64 bits.
    case wideNamesake
    /// In words of its own, made of the arguments.
    case words(@Sendable ([String]) -> String)
    /// Not at all.
    case none

    /// A call of it; nil when there is none.
    func call(_ name: String, _ arguments: [String]) -> String? {
        switch self {
        case .namesake, .wideNamesake: "\(name)(\(arguments.joined(separator: ", ")))"
        case .words(let words): words(arguments)
        case .none: nil
        }
    }

    /// The call for arguments that fulfil a condition, null for others, for which Postgres has an error.
    static func guarded(_ condition: @escaping @Sendable ([String]) -> String, _ call: String) -> FunctionSQL {
        .words { arguments in
            "CASE WHEN \(condition(arguments)) THEN \(call)(\(arguments.joined(separator: ", "))) END"
        }
    }
}

extension ExpressionFunction {
    /// The same function, which SQL says so.
    func inSQL(_ sql: FunctionSQL) -> ExpressionFunction {
        var function = self
        function.ownSQL = sql
        return function
    }

    /// How it is said in SQL.
    var sql: FunctionSQL { ownSQL ?? (isOwn ? .none : .namesake) }
}
