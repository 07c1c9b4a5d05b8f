import Dataflow
import Platform

extension ExpressionChecker {
    mutating func checkCall(
        _ syntax: ExpressionSyntax, _ name: String, _ arguments: [ExpressionSyntax]
    ) -> TypedPlan? {
        guard let function = FunctionCatalog[name.lowercased()] else {
            report(
                "unknown-function", syntax.offset,
                "there is no function of this name, found '\(name)', expected one of docs/functions.md",
                hint: ForeignFunctions.hint(for: name)
                    ?? Suggestion.hint(for: name, in: FunctionCatalog.all.map(\.name)))
            for argument in arguments { _ = check(argument) }
            return nil
        }
        let values = arguments.map { check($0) }
        guard function.counts.contains(where: { $0.contains(arguments.count) }) else {
            report(
                "wrong-arguments", syntax.offset,
                "\(function.name) has the wrong number of arguments, found \(arguments.count), expected \(function.signature)"
            )
            return nil
        }
        let whole = values.compactMap { $0 }
        guard whole.count == values.count else { return nil }
        switch function.body {
        case .special(let form): return checkSpecial(syntax, form, arguments, whole)
        case .forms(let forms):
            let fitting = forms.filter { $0.fits(whole.map(\.type)) }
            // A form that wants a fixed value may have a slower one behind it that does not.
            let best = fitting.first { form in
                whole.indices.allSatisfy { whole[$0].isConstant || !form.parameter($0).isConstant }
            }
            guard let form = best ?? fitting.first else {
                reportMisfit(function, forms, arguments, whole)
                return nil
            }
            return call(syntax, function, form, arguments, whole)
        }
    }

    /// Says which argument fits none of the forms that fit the ones before it.
    private mutating func reportMisfit(
        _ function: ExpressionFunction, _ forms: [FunctionForm], _ arguments: [ExpressionSyntax], _ values: [TypedPlan]
    ) {
        let candidates = forms.filter { $0.counts.contains(arguments.count) }
        let types = values.map(\.type)
        let index =
            types.indices.first { last in
                !candidates.contains { form in (0...last).allSatisfy { form.parameter($0).fits(types[$0]) } }
            } ?? 0
        let kinds = candidates.map { $0.parameter(index).kind.description }
        let wanted = kinds.enumerated().filter { !kinds[..<$0.offset].contains($0.element) }.map(\.element)
        let type = types[index]
        let hint: String? =
            switch (type, wanted.first) {
            case (.text, "integer"?), (.text, "number"?), (.text, "double"?): "cast it: field::integer"
            case (.text, "timestamp"?): "cast it: field::timestamp"
            case (_, "text"?): "cast it: field::text"
            case (.decimal, "integer"?), (.double, "integer"?): "cast it: field::integer"
            default: nil
            }
        report(
            "wrong-type", arguments[index].start,
            "\(function.name) needs a value of another type, found \(type?.description ?? "null"), "
                + "expected \(wanted.joined(separator: " or ")) in \(function.signature)",
            hint: hint)
    }

    private mutating func call(
        _ syntax: ExpressionSyntax, _ function: ExpressionFunction, _ form: FunctionForm,
        _ arguments: [ExpressionSyntax], _ values: [TypedPlan]
    ) -> TypedPlan? {
        for (index, value) in values.enumerated() where form.parameter(index).isConstant && !value.isConstant {
            report(
                "wrong-arguments", arguments[index].start,
                "\(function.name) needs a fixed \(form.parameter(index).name), found a value that changes with the record, "
                    + "expected the same for all records")
            return nil
        }
        let site = site(syntax, function.name)
        let scale = form.alignsScales ? values.compactMap { $0.type?.exactScale }.max() : nil
        var types: [ValueType] = []
        var plans: [ValuePlan] = []
        for (index, value) in values.enumerated() {
            let kind = form.parameter(index).kind
            types.append(
                scale != nil && value.type?.exactScale != nil ? .decimal(scale: scale ?? 0) : value.type ?? kind.type)
            if value.type == .integer, scale == 0 { types[index] = .integer }
            if let plan = argument(value, kind, scale, site, syntax) { plans.append(plan) }
        }
        let facts = FormArguments(
            types: types, constants: values.map { constantValue($0) }, intervals: values.map(\.interval))
        do throws(FormProblem) {
            let kernel = try form.kernel(facts)
            let type = form.result.type(facts)
            // A null argument makes the result null, unless the function skips nulls.
            let isMissing = zip(values, values.indices).contains { value, index in
                value.plan == nil && form.parameter(index).kind != .interval
            }
            guard form.skipsNulls || !isMissing else { return .null(type) }
            let call = CallPlan(kernel: kernel, arguments: plans, site: site)
            return fold(TypedPlan.call(call, type), type, values.allSatisfy(\.isConstant))
        } catch {
            let place = arguments[min(error.argument, arguments.count - 1)]
            report(error.code, offset(in: place, error.offset), error.message, hint: error.hint)
            return nil
        }
    }

    /// An argument in the representation that its parameter has; nil when it is constantly null.
    private mutating func argument(
        _ value: TypedPlan, _ kind: Parameter.Kind, _ scale: Int?, _ site: Int, _ syntax: ExpressionSyntax
    ) -> ValuePlan? {
        switch kind {
        case .double:
            guard let plan = value.asDoubles else { return nil }
            return .double(plan)
        case .exact:
            guard let plan = value.asUnits(scale: scale ?? value.type?.exactScale ?? 0, site: site) else { return nil }
            guard value.isConstant else { return .integer(plan) }
            return fold(.integer(plan), .integer, true).plan
        case .printable:
            guard value.type != .text else { return value.plan }
            return cast(value, to: .text, syntax, "concat")?.plan
        default: return value.plan
        }
    }

    func constantValue(_ value: TypedPlan) -> ConstantValue? {
        switch value.plan {
        case .integer(.constant(let number))?: .integer(number)
        case .double(.constant(let number))?: .double(number)
        case .boolean(.constant(let truth))?: .boolean(truth)
        case .text(.constant(let index))?: .text(texts[index])
        default: nil
        }
    }

    /// The place of a byte of a text as it is written: behind the quote, and doubled quotes count twice.
    private func offset(in syntax: ExpressionSyntax, _ byte: Int?) -> Int {
        guard let byte, case .literal(.text(let text)) = syntax.kind, syntax.start < source.scalars.count,
            source.scalars[syntax.start] == "'" || source.scalars[syntax.start] == "\""
        else { return syntax.start }
        let quote = source.scalars[syntax.start]
        let before = text.utf8.prefix(byte)
        let scalars = String(decoding: before, as: UTF8.self).unicodeScalars
        return syntax.start + 1 + scalars.count + scalars.count { $0 == quote }
    }
}
