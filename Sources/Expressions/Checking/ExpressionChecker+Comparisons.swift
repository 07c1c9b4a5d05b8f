import Dataflow

extension ExpressionChecker {
    mutating func checkComparison(
        _ syntax: ExpressionSyntax, _ comparison: Comparison, _ left: ExpressionSyntax, _ right: ExpressionSyntax
    ) -> TypedPlan? {
        let (first, second) = (check(left), check(right))
        guard let first, let second else { return nil }
        return compare(comparison, first, second, spelling(at: syntax.offset), at: syntax.offset)
    }

    /// A comparison of checked values.
    /// - Parameter word: what a diagnostic calls it.
    mutating func compare(
        _ comparison: Comparison, _ first: TypedPlan, _ second: TypedPlan, _ word: String, at offset: Int
    ) -> TypedPlan? {
        guard let a = first.type, let b = second.type else {
            report(
                "null-comparison", offset, "a comparison with null is never true, found '\(word) null'",
                hint: comparison == .notEqual ? "write is not null" : "write is null")
            return nil
        }
        guard a == b || (a.isNumeric && b.isNumeric) else {
            report(
                "wrong-type", offset, "'\(word)' compares values of one type, found \(a) and \(b)",
                hint: mismatchHint(first, second))
            return nil
        }
        guard a != .boolean || comparison == .equal || comparison == .notEqual else {
            report("wrong-type", offset, "'\(word)' needs an order, found boolean and boolean")
            return nil
        }
        guard a != .interval else {
            report("wrong-type", offset, "'\(word)' needs values of a record, found two intervals")
            return nil
        }
        let isConstant = first.isConstant && second.isConstant
        guard let plan = comparisonPlan(comparison, first, second) else { return .null(.boolean) }
        return fold(.boolean(plan), .boolean, isConstant)
    }

    mutating func checkRange(
        _ syntax: ExpressionSyntax, _ part: ExpressionSyntax, _ low: ExpressionSyntax, _ high: ExpressionSyntax
    ) -> TypedPlan? {
        let bounds = (value: check(part), low: check(low), high: check(high))
        guard let value = bounds.value, let low = bounds.low, let high = bounds.high else { return nil }
        let (operand, bound) = bind(value)
        let first = compare(.greaterOrEqual, operand, low, "between", at: syntax.offset)
        // What both bounds have wrong with them is said once.
        guard first != nil || low.type != high.type else { return nil }
        let second = compare(.lessOrEqual, operand, high, "between", at: syntax.offset)
        guard let first, let second else { return nil }
        let both = BooleanPlan.and([first.condition, second.condition])
        return fold(
            .boolean(bound.map { .binding([$0], both) } ?? both), .boolean, first.isConstant && second.isConstant)
    }

    private func mismatchHint(_ first: TypedPlan, _ second: TypedPlan) -> String? {
        let sides = [first, second]
        let types = sides.compactMap(\.type)
        if types.contains(.timestamp), types.contains(.text) { return "write timestamp '2026-01-31T12:00:00Z'" }
        if let text = sides.first(where: { $0.type == .text }),
            let number = sides.first(where: { $0.type?.isNumeric ?? false })
        {
            if text.isConstant { return "numbers stand without quotes" }
            return number.isConstant
                ? "texts stand in quotes; or cast the field: field::integer"
                : "cast one of them: field::integer or field::text"
        }
        if types.contains(.text), types.contains(.boolean) { return "true and false stand without quotes" }
        if types.contains(.localTimestamp) { return "write at time zone 'Europe/Berlin' behind one of them" }
        return nil
    }

    mutating func checkDistinction(
        _ syntax: ExpressionSyntax, _ left: ExpressionSyntax, _ right: ExpressionSyntax, isNegated: Bool
    ) -> TypedPlan? {
        let (first, second) = (check(left), check(right))
        guard let first, let second else { return nil }
        if let a = first.type, let b = second.type, a != b, !(a.isNumeric && b.isNumeric) {
            report(
                "wrong-type", syntax.offset,
                "'is distinct from' compares values of one type, found \(a) and \(b)", hint: mismatchHint(first, second)
            )
            return nil
        }
        let isConstant = first.isConstant && second.isConstant
        var same: BooleanPlan
        switch (first.plan, second.plan) {
        case (nil, nil): same = .constant(true)
        case (let plan?, nil), (nil, let plan?): same = .isNull(plan)
        case (.some, .some):
            let (left, right) = (bind(first), bind(second))
            guard let equal = comparisonPlan(.equal, left.value, right.value), let a = left.value.plan,
                let b = right.value.plan
            else { return .null(.boolean) }
            // Equal where both are there; null where one is missing, which is the same only where both are.
            same = .or([.and([.isNull(a), .isNull(b)]), .and([.not(.isNull(a)), .not(.isNull(b)), equal])])
            let operands = [left.operand, right.operand].compactMap(\.self)
            if !operands.isEmpty { same = .binding(operands, same) }
        }
        return fold(.boolean(isNegated ? same : .not(same)), .boolean, isConstant)
    }

    /// nil when a side is constantly null.
    func comparisonPlan(_ comparison: Comparison, _ first: TypedPlan, _ second: TypedPlan) -> BooleanPlan? {
        guard let left = first.plan, let right = second.plan, let a = first.type, let b = second.type else {
            return nil
        }
        switch (left, right) {
        case (.text(let x), .text(let y)):
            if case .constant = x { return .compareTexts(comparison.mirrored, y, x) }
            return .compareTexts(comparison, x, y)
        case (.boolean(let x), .boolean(let y)):
            return .compareBooleans(isEqual: comparison == .equal, x, y)
        case (.integer(let x), .integer(let y)):
            let (scale, other) = (a.exactScale ?? 0, b.exactScale ?? 0)
            if case .constant(let units) = y {
                let rewritten = DecimalComparison.rewrite(
                    comparison, scale: scale, constantUnits: units, constantScale: other)
                return .compareIntegers(rewritten.comparison, x, .constant(rewritten.units))
            }
            if case .constant(let units) = x {
                let rewritten = DecimalComparison.rewrite(
                    comparison.mirrored, scale: other, constantUnits: units, constantScale: scale)
                return .compareIntegers(rewritten.comparison, y, .constant(rewritten.units))
            }
            guard scale != other else { return .compareIntegers(comparison, x, y) }
            let common = max(scale, other)
            return .compareScaled(
                comparison, x, DecimalComparison.powerOfTen(common - scale), y,
                DecimalComparison.powerOfTen(common - other))
        default:
            guard let x = first.asDoubles, let y = second.asDoubles else { return nil }
            if case .constant = x { return .compareDoubles(comparison.mirrored, y, x) }
            return .compareDoubles(comparison, x, y)
        }
    }

    mutating func checkMembership(
        _ syntax: ExpressionSyntax, _ operand: ExpressionSyntax, _ elements: [ExpressionSyntax], isNegated: Bool
    ) -> TypedPlan? {
        guard let value = check(operand) else { return nil }
        let checked = elements.map { ($0, check($0)) }
        guard let type = value.type, type != .boolean, type != .interval, !elements.isEmpty else {
            let problem = elements.isEmpty ? "an empty list" : "a value of type \(value.type?.description ?? "null")"
            report(
                "wrong-type", syntax.offset,
                "'in' cannot be used so, found \(problem), expected a field and a list of values")
            return nil
        }
        var constants: [TypedPlan] = []
        for (element, typed) in checked {
            guard let typed else { continue }
            if let problem = problem(with: typed, against: type) {
                report(
                    "wrong-type", element.start,
                    "an element of the list does not fit, found \(problem.found), expected \(type)",
                    hint: problem.hint)
            } else {
                constants.append(typed)
            }
        }
        guard constants.count == elements.count else { return nil }
        guard let plan = value.plan else { return .null(.boolean) }
        let test = membershipPlan(plan, value, constants)
        return fold(.boolean(isNegated ? .not(test) : test), .boolean, value.isConstant)
    }

    private func problem(with element: TypedPlan, against type: ValueType) -> (found: String, hint: String?)? {
        guard let own = element.type, element.plan != nil else {
            return ("null", "null is never equal to anything; test it apart: is null")
        }
        guard own == type || (own.isNumeric && type.isNumeric) else {
            // Of the values of the field, only the type matters here.
            let field = TypedPlan(plan: element.plan, type: type, isConstant: false)
            return (own.description, mismatchHint(field, element))
        }
        guard element.isConstant else { return ("a value that changes with the record", "write it as = joined by or") }
        return nil
    }

    private func membershipPlan(_ plan: ValuePlan, _ value: TypedPlan, _ elements: [TypedPlan]) -> BooleanPlan {
        switch plan {
        case .text(let plan):
            let members = elements.compactMap { element in
                if case .text(.constant(let index))? = element.plan { texts[index] } else { nil }
            }
            return .inTexts(plan, TextSet(members))
        case .integer(let plan) where elements.allSatisfy({ $0.integerConstant != nil }):
            let scale = value.type?.exactScale ?? 0
            let members = elements.compactMap { element in
                element.integerConstant.flatMap {
                    DecimalComparison.units(
                        scale: scale, constantUnits: $0, constantScale: element.type?.exactScale ?? 0)
                }
            }
            return .inIntegers(plan, IntegerSet(members))
        default:
            let members = elements.compactMap { element in
                if case .constant(let number)? = element.asDoubles { number } else { nil }
            }
            return value.asDoubles.map { .inDoubles($0, DoubleSet(members)) } ?? .null
        }
    }
}
