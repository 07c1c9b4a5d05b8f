package import Dataflow
package import Declaration
package import Expressions

/// The field that a call names, as far as it is known.
package struct MetricField {
    /// The field; nil when a diagnostic says why nothing is known of it.
    package var field: RecordSchema.Field?
    /// Where the call names it.
    package var location: SourceLocation
}

extension MetricCall {
    /// The field that the call begins with; nil when a problem says that it names none.
    package func field(in input: RecordSchema, _ problems: inout Diagnostics) -> MetricField? {
        guard case .field(let name, let location)? = arguments.first else {
            problems.append(
                Diagnostic(
                    code: "metric-arguments", at: functionLocation, "\(function)() needs a field",
                    hint: "for example \(function)(\(input.fields.first?.name ?? "duration_ms"))"))
            return nil
        }
        return MetricField(field: input.field(name, at: location, &problems), location: location)
    }

    /// Makes sure that nothing stands behind the field.
    package func expectOneField(_ problems: inout Diagnostics, hint: String? = nil) {
        guard arguments.count > 1 else { return }
        problems.append(
            Diagnostic(
                code: "metric-arguments", at: arguments[1].location, "\(function)() takes one field", hint: hint))
    }

    /// Makes sure that the metric has all options of the call.
    package func checkOptions(_ spec: MetricSpec, _ problems: inout Diagnostics) {
        let known = spec.options.map { "\($0.name): \($0.expectation)" }
        for option in options where !spec.options.contains(where: { $0.name == option.name }) {
            let hint = known.count == 1 ? "its option is " : "its options are "
            problems.append(
                Diagnostic(
                    code: "metric-arguments", at: option.location, "\(function)() has no option \(option.name)",
                    hint: known.isEmpty ? nil : hint + known.joined(separator: "; ")))
        }
    }

    /// Makes sure that the metric can work on a field of this type, as far as it is known.
    /// - Parameter expected: the types that fit, in words.
    package func expect(
        _ expected: String, of field: MetricField, _ problems: inout Diagnostics, _ fits: (ColumnType) -> Bool
    ) {
        guard let found = field.field, !fits(found.type) else { return }
        problems.append(
            Diagnostic(
                code: "metric-type", at: field.location,
                "\(function)() cannot work on \(found.name), which is \(found.type), expected \(expected)"))
    }

    /// The field that a call begins with, of a type that fits, with options that there are; nil when a problem says that it
    /// names none.
    /// - Parameter expected: the types that fit, in words.
    package func leadingField(
        in input: RecordSchema, _ spec: MetricSpec, expected: String, _ problems: inout Diagnostics,
        _ fits: (ColumnType) -> Bool
    ) -> MetricField? {
        guard let field = field(in: input, &problems) else { return nil }
        checkOptions(spec, &problems)
        expect(expected, of: field, &problems, fits)
        return field
    }

    /// The one field of a call that has nothing else; nil when a problem says why there is none.
    /// - Parameter expected: the types that fit, in words.
    package func onlyField(
        in input: RecordSchema, _ spec: MetricSpec, expected: String, _ problems: inout Diagnostics,
        _ fits: (ColumnType) -> Bool
    ) -> RecordSchema.Field? {
        guard let field = leadingField(in: input, spec, expected: expected, &problems, fits) else { return nil }
        expectOneField(&problems)
        return field.field
    }

    /// What fields of numbers are, for diagnostics.
    package static let numbers = "integer, decimal or double"
}
