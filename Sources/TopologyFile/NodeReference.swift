public import Dataflow

/// The reference page of all node types and settings, in Markdown, made from the specs that also read the files.
public struct NodeReference: Sendable {
    private let specs: [NodeSpec]
    private let settings: [FieldSpec]

    /// Creates the page for these node types and settings.
    public init(specs: [NodeSpec], settings: [FieldSpec]) {
        self.specs = specs
        self.settings = settings
    }

    /// The page; the same specs give the same bytes.
    public var markdown: String {
        var page = """
            # Node reference

            <!-- Generated from the node specs; change those, not this file. -->

            A topology file has a name, settings and nodes. Every node has a name of its own, one node type with its
            fields and, unless it is a source, `from`: the node it reads from. `concurrency: N` lets at most N batches
            be in the node at once. `${NAME}` and `${NAME:-default}` in a value are replaced from the environment;
            `$${` stands for a literal `${`.

            Every key needs a value: an empty value, `null`, `~`, a YAML tag (`!x`) or an empty variable is an error, never
            "not given". A value that holds `: ` or ` #` or, inside `{ }` and `[ ]`, a comma or a bracket needs quotes. Sizes
            have the units KiB, MiB, GiB and TiB; lengths of time ms, s, m, h and d. The truth values are `true` and `false`,
            not `yes` or `on`. `millrace check FILE` reports everything that is wrong with a file.

            """
        if !settings.isEmpty {
            page += "\n## Settings\n\nTop-level keys beside `topology` and `nodes`.\n"
            page += table(settings)
        }
        for (kind, title) in [(NodeSpec.Kind.source, "Sources"), (.operator, "Operators"), (.sink, "Sinks")] {
            let members = specs.filter { $0.kind == kind }
            guard !members.isEmpty else { continue }
            page += "\n## \(title)\n"
            for spec in members { page += section(spec) }
        }
        return page
    }

    private func section(_ spec: NodeSpec) -> String {
        var text = "\n### `\(spec.name)`\n\n\(spec.summary)\n"
        if !spec.fields.isEmpty { text += table(spec.fields) }
        if let shorthand = spec.shorthand {
            text += "\nA bare value stands for `\(shorthand)`: `\(spec.name): VALUE` means "
            text += "`\(spec.name): { \(shorthand): VALUE }`.\n"
        }
        let example = spec.example.split(separator: "\n", omittingEmptySubsequences: false)
        text += "\n```yaml\n" + example.joined(separator: "\n").trimmingLineBreaks + "\n```\n"
        return text
    }

    private func table(_ fields: [FieldSpec]) -> String {
        var text = "\n| field | type | default | meaning |\n| --- | --- | --- | --- |\n"
        for (path, field) in fields.flatMap({ flatten($0, under: "") }) {
            let fallback = field.isRequired ? "required" : field.defaultText.map { "`\($0)`" } ?? ""
            var meaning = field.summary
            if let example = field.example { meaning += " Example: `\(example)`." }
            let cells = ["`\(path)`", field.type.reference, fallback, meaning]
            text += "| " + cells.map(\.asTableCell).joined(separator: " | ") + " |\n"
        }
        return text
    }

    /// A field followed by the fields of the maps it may hold: `fields.NAME.path`.
    private func flatten(_ field: FieldSpec, under prefix: String) -> [(path: String, field: FieldSpec)] {
        let path = prefix + field.name
        return [(path, field)] + inner(field.type, under: path)
    }

    private func inner(_ type: SpecType, under path: String) -> [(path: String, field: FieldSpec)] {
        switch type {
        case .object(let fields), .shorthandObject(_, let fields): fields.flatMap { flatten($0, under: path + ".") }
        case .map(let value): inner(value, under: path + ".NAME")
        case .list(let element): inner(element, under: path + "[]")
        default: []
        }
    }
}

extension SpecType {
    /// The type in a table of the reference page.
    fileprivate var reference: String {
        switch self {
        case .secret: "text, secret: use `${NAME}`"
        case .integer(let range): "whole number" + Self.bounds(range) { "\($0)" }
        case .bytes(let range): "size" + Self.bounds(range, Quantity.describe(size:))
        case .duration(let range): "duration" + Self.bounds(range)
        case .boolean: "`true` or `false`"
        case .choice(let words): words.map { "`\($0)`" }.joined(separator: ", ")
        case .fieldName: "field name"
        case .expression: "filter expression"
        case .metric: "metric"
        case .recordFieldType: "field type"
        case .list(let element): "list of: " + element.reference
        case .map(let value): "map from names to: " + value.reference
        case .object: "map, its fields below"
        case .shorthandObject(let shorthand, let fields):
            (fields.first { $0.name == shorthand }.map { $0.type.reference + "; or " } ?? "") + "map, its fields below"
        case .string: "text"
        }
    }
}

extension String {
    fileprivate var asTableCell: String {
        var cell = ""
        for character in self {
            switch character {
            case "|": cell += "\\|"
            case "\n": cell += " "
            default: cell.append(character)
            }
        }
        return cell
    }

    fileprivate var trimmingLineBreaks: String {
        var text = Substring(self)
        while text.last == "\n" { text.removeLast() }
        while text.first == "\n" { text.removeFirst() }
        return String(text)
    }
}
