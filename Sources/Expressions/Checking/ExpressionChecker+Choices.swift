/// What has values of one type in several places: `case`, `if`, `coalesce`, `nullif`, `greatest`, `least`.
extension ExpressionChecker {
    mutating func checkChoice(
        _ whole: ExpressionSyntax, _ operand: ExpressionSyntax?, _ choices: [ChoiceSyntax],
        _ otherwise: ExpressionSyntax?
    ) -> TypedPlan? {
        var bound: BoundOperand?
        let conditions: [(plan: BooleanPlan, isConstant: Bool)?]
        if let operand {
            (conditions, bound) = checkMatches(operand, choices)
        } else {
            conditions = choices.map { checkCondition($0.condition, of: "when") }
        }
        let syntax = choices.map(\.value) + (otherwise.map { [$0] } ?? [])
        let values = syntax.map { check($0) }
        guard let values = all(values), let conditions = all(conditions) else { return nil }
        guard let type = commonType(of: values, syntax, "case") else { return nil }
        guard let type else { return .null(nil) }
        let plans = values.indices.map { convert(values[$0], to: type, syntax[$0]) }
        let branches = zip(conditions, plans).map { ChoicePlan.Branch(condition: $0.plan, value: $1) }
        let plan = ChoicePlan(
            branches: branches, otherwise: otherwise == nil ? nil : plans[plans.count - 1], operand: bound,
            site: site(whole, "case"))
        let isConstant = conditions.allSatisfy(\.isConstant) && values.allSatisfy(\.isConstant)
        let value: ValuePlan =
            switch type {
            case .text: .text(.choose(plan))
            case .double: .double(.choose(plan))
            case .boolean: .boolean(.choose(plan))
            default: .integer(.choose(plan))
            }
        return fold(value, type, isConstant)
    }

    /// The conditions of `case x when a …`, in which x is computed once.
    private mutating func checkMatches(
        _ operand: ExpressionSyntax, _ choices: [ChoiceSyntax]
    ) -> (conditions: [(plan: BooleanPlan, isConstant: Bool)?], bound: BoundOperand?) {
        let value = check(operand)
        let candidates = choices.map { check($0.condition) }
        guard let value else { return (choices.map { _ in nil }, nil) }
        let (part, bound) = bind(value)
        let conditions = zip(choices, candidates).map { choice, candidate -> (plan: BooleanPlan, isConstant: Bool)? in
            guard let candidate else { return nil }
            return compare(.equal, part, candidate, "when", at: choice.condition.start)
                .map { ($0.condition, $0.isConstant) }
        }
        return (conditions, bound)
    }

    private func all<Value>(_ values: [Value?]) -> [Value]? {
        let whole = values.compactMap { $0 }
        return whole.count == values.count ? whole : nil
    }

    /// The type that all values have in common, nil inside when all are null; nil when a diagnostic says which does not
    /// fit.
    private mutating func commonType(
        of values: [TypedPlan], _ syntax: [ExpressionSyntax], _ name: String
    ) -> ValueType?? {
        var type: ValueType?
        for (value, part) in zip(values, syntax) {
            guard let own = value.type else { continue }
            guard own != .interval, let common = ValueType.common(type ?? own, own) else {
                let expected = type.map(\.description) ?? "a value of a record"
                report(
                    "wrong-type", part.start, "\(name) needs values of one type, found \(own), expected \(expected)",
                    hint: own == .interval || type != .text
                        ? nil : value.isConstant ? "texts stand in quotes" : "cast it: field::text")
                return nil
            }
            type = common
        }
        return .some(type)
    }

    /// A value as one of a wider type; nil when it is constantly null.
    private mutating func convert(_ value: TypedPlan, to type: ValueType, _ syntax: ExpressionSyntax) -> ValuePlan? {
        guard value.type != type else { return value.plan }
        if type == .double { return value.asDoubles.map { .double($0) } }
        guard let scale = type.exactScale else { return value.plan }
        let units = value.asUnits(scale: scale, site: site(syntax, "\(type)"))
        guard let units, value.isConstant else { return units.map { .integer($0) } }
        return fold(.integer(units), type, true).plan
    }

    mutating func checkSpecial(
        _ syntax: ExpressionSyntax, _ form: SpecialForm, _ arguments: [ExpressionSyntax], _ values: [TypedPlan]
    ) -> TypedPlan? {
        guard let type = commonType(of: values, arguments, form.rawValue) else { return nil }
        guard let type else { return .null(nil) }
        if form == .greatest || form == .least, type == .boolean {
            report("wrong-type", arguments[0].start, "\(form.rawValue) needs values with an order, found boolean")
            return nil
        }
        let isConstant = values.allSatisfy(\.isConstant)
        if form != .nullif, type.exactScale != nil {
            let scaled = values.indices.compactMap { scale(values[$0], to: type, arguments[$0]) }
            guard !scaled.isEmpty else { return .null(type) }
            return fold(choice(form, of: scaled, site: site(syntax, form.rawValue)), type, isConstant)
        }
        let plans = values.indices.map { convert(values[$0], to: type, arguments[$0]) }
        let present = plans.compactMap { $0 }
        guard !present.isEmpty else { return .null(type) }
        switch form {
        case .coalesce:
            return fold(coalesce(present, type, site: site(syntax, form.rawValue)), type, isConstant)
        case .nullif:
            guard let first = plans[0] else { return .null(type) }
            guard plans[1] != nil else { return fold(first, type, isConstant) }
            let call = CallPlan(kernel: ComparisonKernel.nullIf(type), arguments: present, site: site(syntax, "nullif"))
            return fold(TypedPlan.call(call, type), type, isConstant)
        case .greatest, .least:
            let kernel = ComparisonKernel.extreme(type, isGreatest: form == .greatest)
            let call = CallPlan(kernel: kernel, arguments: present, site: site(syntax, form.rawValue))
            return fold(TypedPlan.call(call, type), type, isConstant)
        }
    }

    /// An exact number beside others with more digits after the point; nil when it is constantly null.
    private mutating func scale(_ value: TypedPlan, to type: ValueType, _ syntax: ExpressionSyntax) -> ScaledPlan? {
        guard case .integer(let plan)? = value.plan, let own = value.type?.exactScale, let scale = type.exactScale
        else { return nil }
        return ScaledPlan(
            plan: plan, factor: DecimalComparison.powerOfTen(scale - own), site: site(syntax, "\(type)"))
    }

    private func choice(_ form: SpecialForm, of operands: [ScaledPlan], site: Int) -> ValuePlan {
        guard form != .coalesce else { return .integer(.coalesce(operands)) }
        let kernel = ComparisonKernel.extreme(of: operands.map(\.factor), isGreatest: form == .greatest)
        let plain = ComparisonKernel.extreme(.integer, isGreatest: form == .greatest)
        return .integer(
            .call(
                CallPlan(
                    kernel: operands.allSatisfy { $0.factor == 1 } ? plain : kernel,
                    arguments: operands.map { .integer($0.plan) }, site: site)))
    }

    private func coalesce(_ plans: [ValuePlan], _ type: ValueType, site: Int) -> ValuePlan {
        switch type {
        case .text:
            .text(.coalesce(plans.compactMap { if case .text(let plan) = $0 { plan } else { nil } }, site: site))
        case .double: .double(.coalesce(plans.compactMap { if case .double(let plan) = $0 { plan } else { nil } }))
        case .boolean: .boolean(.coalesce(plans.compactMap { if case .boolean(let plan) = $0 { plan } else { nil } }))
        default:
            .integer(
                .coalesce(
                    plans.compactMap {
                        if case .integer(let plan) = $0 { ScaledPlan(plan: plan, factor: 1, site: site) } else { nil }
                    }))
        }
    }
}
