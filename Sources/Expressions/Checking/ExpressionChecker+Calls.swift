import Dataflow
import Platform

extension ExpressionChecker {
    mutating func checkCall(
        _ syntax: ExpressionSyntax, _ name: String, _ arguments: [ExpressionSyntax]
    ) -> TypedPlan? {
        guard let function = ExpressionFunction(rawValue: name.lowercased()) else {
            let known = ExpressionFunction.allCases.map(\.rawValue)
            report(
                "unknown-function", syntax.offset,
                "there is no function '\(name)', expected one of \(known.joined(separator: ", "))",
                hint: Suggestion.hint(for: name, in: known))
            for argument in arguments { _ = check(argument) }
            return nil
        }
        let values = arguments.map { check($0) }
        guard function.argumentCount.contains(arguments.count) else {
            report(
                "wrong-arguments", syntax.offset,
                "\(function.rawValue) has the wrong number of arguments, found \(arguments.count), expected \(function.signature)"
            )
            return nil
        }
        let whole = values.compactMap { $0 }
        guard whole.count == values.count else { return nil }
        switch function {
        case .coalesce: return checkCoalesce(syntax, arguments, whole)
        case .abs:
            guard isNumber(whole[0], arguments[0], "abs") else { return nil }
            return mapNumber(whole[0], integer: { .absolute($0) }, double: { .absolute($0) })
        case .substring: return checkSubstring(arguments, whole)
        default: return checkTextCall(function, arguments, whole)
        }
    }

    private mutating func isText(_ value: TypedPlan, _ syntax: ExpressionSyntax, _ function: ExpressionFunction) -> Bool
    {
        guard let type = value.type, type != .text else { return true }
        report(
            "wrong-type", syntax.start,
            "\(function.rawValue) needs a text, found \(type), expected \(function.signature)")
        return false
    }

    private mutating func checkTextCall(
        _ function: ExpressionFunction, _ arguments: [ExpressionSyntax], _ values: [TypedPlan]
    ) -> TypedPlan? {
        let fits = zip(values, arguments).map { isText($0, $1, function) }
        guard fits.allSatisfy({ $0 }) else { return nil }
        let isConstant = values.allSatisfy(\.isConstant)
        let texts: [TextPlan] = values.compactMap { if case .text(let plan)? = $0.plan { plan } else { nil } }
        let type: ColumnType =
            switch function {
            case .lower, .upper: .text
            case .length: .integer
            default: .boolean
            }
        guard texts.count == values.count else { return .null(type) }
        let plan: ValuePlan =
            switch function {
            case .lower: .text(.lower(texts[0]))
            case .upper: .text(.upper(texts[0]))
            case .length: .integer(.length(texts[0]))
            case .startsWith: .boolean(.test(.prefix, texts[0], texts[1]))
            case .endsWith: .boolean(.test(.suffix, texts[0], texts[1]))
            default: .boolean(.test(.inside, texts[0], texts[1]))
            }
        return fold(plan, type, isConstant)
    }

    private mutating func checkSubstring(_ arguments: [ExpressionSyntax], _ values: [TypedPlan]) -> TypedPlan? {
        guard isText(values[0], arguments[0], .substring) else { return nil }
        var bounds: [Int64] = []
        for (argument, value) in zip(arguments, values).dropFirst() {
            guard value.type == .integer, let bound = value.integerConstant else {
                let type = value.type?.description ?? "null"
                let found = value.isConstant ? "a value of type \(type)" : "a value that changes with the record"
                report(
                    "wrong-arguments", argument.start,
                    "substring needs fixed bounds, found \(found), expected a whole number")
                return nil
            }
            guard bounds.isEmpty || bound >= 0 else {
                report(
                    "wrong-arguments", argument.start,
                    "substring needs a count, found \(bound), expected a whole number, 0 or more")
                return nil
            }
            bounds.append(bound)
        }
        guard case .text(let text)? = values[0].plan else { return .null(.text) }
        let plan = TextPlan.substring(text, start: bounds[0], count: bounds.count > 1 ? bounds[1] : nil)
        return fold(.text(plan), .text, values[0].isConstant)
    }

    private mutating func checkCoalesce(
        _ syntax: ExpressionSyntax, _ arguments: [ExpressionSyntax], _ values: [TypedPlan]
    ) -> TypedPlan? {
        var type: ColumnType?
        for (argument, value) in zip(arguments, values) {
            guard let own = value.type else { continue }
            guard let common = Self.commonType(type ?? own, own) else {
                report(
                    "wrong-type", argument.start,
                    "coalesce needs values of one type, found \(own), expected \(type ?? own)")
                return nil
            }
            type = common
        }
        guard let type else { return .null(nil) }
        let present = values.filter { $0.plan != nil }
        let isConstant = present.allSatisfy(\.isConstant)
        guard !present.isEmpty else { return .null(type) }
        switch type {
        case .double: return fold(.double(.coalesce(present.compactMap(\.asDoubles))), type, isConstant)
        case .text:
            let plans: [TextPlan] = present.compactMap { if case .text(let plan)? = $0.plan { plan } else { nil } }
            return fold(.text(.coalesce(plans)), type, isConstant)
        case .boolean:
            let plans: [BooleanPlan] = present.compactMap {
                if case .boolean(let plan)? = $0.plan { plan } else { nil }
            }
            return fold(.boolean(.coalesce(plans)), type, isConstant)
        case .timestamp:
            let plans: [IntegerPlan] = present.compactMap {
                if case .integer(let plan)? = $0.plan { plan } else { nil }
            }
            return fold(.integer(.coalesce(plans)), type, isConstant)
        case .integer, .decimal:
            let plans = present.compactMap { $0.asUnits(scale: type.exactScale ?? 0) }
            return fold(.integer(.coalesce(plans)), type, isConstant)
        }
    }

    /// The type that holds values of both, nil when there is none.
    private static func commonType(_ a: ColumnType, _ b: ColumnType) -> ColumnType? {
        if a == b { return a }
        guard a.isNumeric, b.isNumeric else { return nil }
        guard let left = a.exactScale, let right = b.exactScale else { return .double }
        return .decimal(scale: max(left, right))
    }
}
