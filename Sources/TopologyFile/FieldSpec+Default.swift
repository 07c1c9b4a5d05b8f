import Dataflow
import Declaration

extension FieldSpec {
    /// The default as a checked value standing at `location`; nil when the field has none.
    ///
    /// A default that does not fit the field's own type is a mistake in the spec: `SpecAudit` finds it in a test.
    func defaultValue(at location: SourceLocation) -> ConfigValue? {
        guard let defaultText else { return nil }
        guard var value = parse(defaultText, at: location) else {
            preconditionFailure("The spec of field '\(name)' has a default that does not fit its type.")
        }
        value.isDefault = true
        return value
    }

    /// `text` as a value of this field, nil when it does not fit. Any variable in it counts as set.
    func parse(_ text: String, at location: SourceLocation) -> ConfigValue? {
        let source = SourceText(file: location.file, text: text)
        var reader = DocumentReader(source: source, substitution: EnvironmentSubstitution { _ in "1" })
        guard var node = reader.read(), !reader.diagnostics.hasErrors else { return nil }
        node.move(to: location)
        var checker = SpecChecker()
        let value = checker.check(node, as: type, named: name)
        return checker.diagnostics.hasErrors ? nil : value
    }
}

extension DocumentNode {
    /// Puts the value and all inside it at one place.
    mutating func move(to location: SourceLocation) {
        self.location = location
        switch content {
        case .scalar: break
        case .list(var elements):
            for index in elements.indices { elements[index].move(to: location) }
            content = .list(elements)
        case .map(var entries):
            for index in entries.indices {
                entries[index].keyLocation = location
                entries[index].value.move(to: location)
            }
            content = .map(entries)
        }
    }
}
