package import Declaration

/// The window types that a summary may have, in the order of the reference page. Nothing registers itself.
package struct WindowCatalog: Sendable {
    /// Those of Millrace.
    package static let all = WindowCatalog([Tumbling.self, Hopping.self, CalendarWindow.self])

    /// The types.
    package var types: [any WindowType.Type]

    /// A catalog of some types.
    /// - Precondition: there is one.
    package init(_ types: [any WindowType.Type]) {
        precondition(!types.isEmpty, "a catalog without windows")
        self.types = types
    }

    /// What `window:` may be set to: a size, or a map where a type has more fields than that.
    package var specType: SpecType {
        var fields: [FieldSpec] = []
        for field in types.flatMap({ $0.spec.fields }) where !fields.contains(where: { $0.name == field.name }) {
            fields.append(field)
        }
        if fields.count == 1, fields[0].name == WindowSpec.shorthand { return fields[0].type }
        return .shorthandObject(WindowSpec.shorthand, fields)
    }

    /// The windows for the reference page.
    package var reference: String { types.map { $0.spec.summary }.joined(separator: " ") }

    /// Makes a window function of a declaration.
    /// - Parameter problems: gets everything that is wrong with it.
    /// - Returns: the function, of no use when there are problems; nil when a problem says why there is none.
    package func compile(
        _ window: ConfigValue, input: RecordSchema, _ problems: inout Diagnostics
    ) -> (any WindowFunction)? {
        var declaration = window
        if window.entries == nil {
            declaration.content = .map([
                ConfigEntry(key: WindowSpec.shorthand, keyLocation: window.location, value: window)
            ])
        }
        let given = (declaration.entries ?? []).map(\.key)
        guard let type = types.first(where: { Set($0.spec.fields.map(\.name)).isSuperset(of: given) }) else {
            let known = types.map { $0.spec.name + " (" + $0.spec.fields.map(\.name).joined(separator: ", ") + ")" }
            problems.append(
                Diagnostic(
                    code: "window-fields", at: window.location,
                    "no window has \(given.joined(separator: " and ")), expected those of one of "
                        + known.joined(separator: ", ")))
            return nil
        }
        return type.compile(declaration, input: input, &problems)
    }
}
