extension ExpressionChecker {
    /// `+` and `-` with a timestamp or an interval on a side.
    mutating func checkTimeArithmetic(
        _ syntax: ExpressionSyntax, _ operation: Arithmetic, _ first: TypedPlan, _ second: TypedPlan
    ) -> TypedPlan? {
        var sides = (first, second)
        if operation == .add, first.interval != nil { sides = (second, first) }
        let isTime = sides.0.type == .timestamp || sides.0.type == .localTimestamp
        guard operation == .add || operation == .subtract, isTime || sides.0.type == nil,
            var interval = sides.1.interval,
            let type = sides.0.type
        else {
            reportTimeArithmetic(syntax, operation, first, second)
            return nil
        }
        if operation == .subtract { interval = interval.negated }
        guard let plan = sides.0.plan else { return .null(type) }
        let added = interval
        let kernel: Kernel
        if interval.months == 0 {
            let length = interval.days * CivilTime.day + interval.microseconds
            kernel = .map { (time: Int64) in
                let (sum, overflow) = time.addingReportingOverflow(length)
                return overflow ? nil : CivilTime.checked(sum)
            }
        } else {
            kernel = .map { (time: Int64) in added.added(to: time) }
        }
        let call = CallPlan(kernel: kernel, arguments: [plan], site: site(syntax, operation.rawValue))
        return fold(TypedPlan.call(call, type), type, sides.0.isConstant)
    }

    private mutating func reportTimeArithmetic(
        _ syntax: ExpressionSyntax, _ operation: Arithmetic, _ first: TypedPlan, _ second: TypedPlan
    ) {
        let types = [first.type, second.type]
        let hint: String? =
            if operation == .subtract, types[0] == types[1], types[0] != .interval {
                "write seconds_between(start, end)"
            } else if types.contains(where: { $0?.isNumeric ?? false }) {
                first.integerConstant.map { "write interval '\($0) seconds'" }
                    ?? second.integerConstant.map { "write interval '\($0) seconds'" } ?? "write interval '1 day'"
            } else if types == [.interval, .interval] {
                "write one interval: interval '1 day 2 hours'"
            } else {
                nil
            }
        report(
            "wrong-type", syntax.offset,
            "'\(operation.rawValue)' cannot be used so, found \(types[0]?.description ?? "null") and "
                + "\(types[1]?.description ?? "null"), expected a timestamp and an interval", hint: hint)
    }
}
