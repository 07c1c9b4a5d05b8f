/// Casts. A value that cannot be cast becomes null, and is counted; a constant that cannot is an error.
extension ExpressionChecker {
    mutating func checkCast(
        _ syntax: ExpressionSyntax, _ operand: ExpressionSyntax, to type: ValueType
    ) -> TypedPlan? {
        guard let value = check(operand) else { return nil }
        guard let source = value.type else { return .null(type) }
        guard source != type else { return value }
        guard let cast = cast(value, to: type, syntax, "::\(type)") else {
            report(
                "wrong-type", syntax.offset, "there is no cast from \(source) to \(type)", hint: hint(source, type))
            return nil
        }
        if value.isConstant, value.plan != nil, cast.plan == nil {
            report(
                "failed-cast", operand.start, "a cast always fails, found a \(source) that is no \(type)",
                hint: type == .timestamp ? "write it as 2026-01-31T12:00:00Z" : nil)
            return nil
        }
        return cast
    }

    private func hint(_ source: ValueType, _ type: ValueType) -> String? {
        switch (source, type) {
        case (.integer, .timestamp), (.double, .timestamp), (.decimal, .timestamp):
            "write to_timestamp(field) for seconds since 1970"
        case (.timestamp, .integer), (.timestamp, .double), (.timestamp, .decimal): "write extract(epoch from field)"
        case (.boolean, .double), (.boolean, .decimal): "write field::integer"
        case (.double, .boolean), (.decimal, .boolean): "write field <> 0"
        case (.localTimestamp, .timestamp): "write at time zone 'Europe/Berlin' behind it"
        default: nil
        }
    }

    /// A value as one of another type; nil when there is no such cast.
    mutating func cast(
        _ value: TypedPlan, to type: ValueType, _ syntax: ExpressionSyntax, _ operation: String
    ) -> TypedPlan? {
        guard let source = value.type else { return .null(type) }
        if let to = type.exactScale, let from = source.exactScale, to >= from {
            let plan = value.asUnits(scale: to, site: site(syntax, operation))
            return plan.map { fold(.integer($0), type, value.isConstant) } ?? .null(type)
        }
        if type == .double, source.exactScale != nil {
            return value.asDoubles.map { fold(.double($0), type, value.isConstant) } ?? .null(type)
        }
        guard let kernel = CastKernel.kernel(from: source, to: type) else { return nil }
        guard let plan = value.plan else { return .null(type) }
        let call = CallPlan(kernel: kernel, arguments: [plan], site: site(syntax, operation))
        return fold(TypedPlan.call(call, type), type, value.isConstant)
    }
}
