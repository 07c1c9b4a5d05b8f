/// A value of a topology file after its shape was checked against a `NodeSpec`, with the place it came from.
///
/// Sizes and durations are already converted; node declarations read values through the typed accessors, which
/// treat another type as a bug because the check against the spec came first.
public struct ConfigValue: Sendable {
    /// What the value is.
    public enum Content: Sendable {
        /// `null`, `~` or nothing.
        case null
        /// Text, with `${NAME}` already replaced.
        case string(String)
        /// A whole number; a size in bytes after conversion.
        case integer(Int64)
        /// A number with a fraction or an exponent.
        case double(Double)
        /// `true` or `false`.
        case boolean(Bool)
        /// A length of time such as `500ms`, `1m`, `2h`, `7d`.
        case duration(Duration)
        /// A sequence.
        case list([ConfigValue])
        /// A mapping, in file order.
        case map([ConfigEntry])
        /// Something that is no good, which a diagnostic has said: whoever reads it says nothing more about it.
        case invalid
    }

    /// What the value is.
    public var content: Content
    /// Where the value begins.
    public var location: SourceLocation
    /// Whether the file does not give the value, and it is the default of its spec.
    public var isDefault = false
    /// Whether the text came from the environment, in whole or in part, so that no message may show it.
    public var isFromEnvironment = false

    /// Creates a value.
    public init(_ content: Content, at location: SourceLocation) {
        self.content = content
        self.location = location
    }
}

/// One `key: value` of a mapping.
public struct ConfigEntry: Sendable {
    /// The key.
    public var key: String
    /// Where the key stands.
    public var keyLocation: SourceLocation
    /// The value.
    public var value: ConfigValue

    /// Creates an entry.
    public init(key: String, keyLocation: SourceLocation, value: ConfigValue) {
        self.key = key
        self.keyLocation = keyLocation
        self.value = value
    }
}

extension ConfigValue {
    /// The value at `key` of a mapping, nil when absent or null.
    public subscript(key: String) -> ConfigValue? {
        guard case .map(let entries) = content, let found = entries.first(where: { $0.key == key })?.value else {
            return nil
        }
        if case .null = found.content { return nil }
        return found
    }

    /// Replaces the value at `key` of a mapping, if it is there.
    public mutating func replace(_ key: String, _ change: (inout ConfigValue) -> Void) {
        guard case .map(var entries) = content, let index = entries.firstIndex(where: { $0.key == key }) else { return }
        change(&entries[index].value)
        content = .map(entries)
    }

    /// Replaces a text.
    public mutating func mapText(_ change: (String) -> String) {
        if case .string(let text) = content { content = .string(change(text)) }
    }

    /// The value of a field that has a default in its spec, and therefore always has a value.
    public func defaulted(_ key: String) -> ConfigValue {
        guard let value = self[key] else { preconditionFailure("field '\(key)' has no default in its spec") }
        return value
    }

    /// Whether a diagnostic says already that the value is no good.
    public var isInvalid: Bool { if case .invalid = content { true } else { false } }

    /// The text, nil for another type.
    public var string: String? { if case .string(let value) = content { value } else { nil } }
    /// The whole number (or size in bytes), nil for another type.
    public var integer: Int64? { if case .integer(let value) = content { value } else { nil } }
    /// The truth value, nil for another type.
    public var boolean: Bool? { if case .boolean(let value) = content { value } else { nil } }
    /// The length of time, nil for another type.
    public var duration: Duration? { if case .duration(let value) = content { value } else { nil } }
    /// The number, nil for another type.
    public var number: Double? {
        switch content {
        case .integer(let value): Double(value)
        case .double(let value): value
        default: nil
        }
    }
    /// The elements of a sequence, nil for another type.
    public var list: [ConfigValue]? { if case .list(let value) = content { value } else { nil } }
    /// The entries of a mapping in file order, nil for another type.
    public var entries: [ConfigEntry]? { if case .map(let value) = content { value } else { nil } }
}
