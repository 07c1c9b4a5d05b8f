import Dataflow
package import Declaration
import Platform

extension Sample: NodeType {
    /// The declaration of `sample`.
    package static let spec = NodeSpec(
        name: "sample", kind: .operator,
        summary: "Passes on a share of the records, the same ones whenever they are read.",
        fields: [
            FieldSpec(
                "share", .string,
                "The share in percent, such as `1%` or `0.05%`, with at most six digits after the point.",
                required: true,
                example: "1%"),
            FieldSpec(
                "by", .fieldName,
                "A field: all records of a value are in the sample, or none of them. A missing value is a value of its "
                    + "own. Without it records are chosen by their place: topic, partition and offset, or path and position. Samples by the "
                    + "same values lie in each other: all of `1%` is in `10%`.",
                example: "user"),
        ],
        shorthand: "share",
        example: """
            some_users:
              from: records
              sample: { share: 1%, by: user }
            """)

    package static func compile(
        _ node: NodeDeclaration, reading input: Edge, of topology: String, _ problems: inout Diagnostics
    ) -> CompiledNode {
        var schema = input.records(for: node, parsedBy: ParseJSON.spec.name, &problems)
        var isRight = true
        var column: RecordSchema.Field?
        if let by = node.config["by"] {
            column = by.string.flatMap { schema.field($0, at: by.location, &problems) }
            isRight = column != nil
        }
        guard let share = node.config["share"], let text = share.string else {
            return CompiledNode(.broken, output: .records(schema))
        }
        guard let millionths = SamplePlan.millionths(text) else {
            problems.append(
                Diagnostic(
                    code: "sample-share", at: share.location,
                    "share is \(text), expected a percentage above 0% and up to 100%, such as 1% or 0.05%",
                    hint: text.contains("%") ? nil : SamplePlan.hint(for: text)))
            return CompiledNode(.broken, output: .records(schema))
        }
        let plan = SamplePlan(millionths: millionths, column: column?.column, field: column?.name)
        guard isRight else { return CompiledNode(.broken, output: .records(schema)) }
        let choice = RecordSchema.Sampling(node: node.name, millionths: millionths, column: plan.column)
        if let earlier = schema.samplings.last(where: { $0.column == choice.column }) {
            problems.append(plan.repetition(of: earlier, by: node.name, at: share.location))
        }
        schema.samplings.append(choice)
        return CompiledNode(.stage(plan), output: .records(schema))
    }
}

/// What a `sample` node does, checked.
struct SamplePlan: StagePlan {
    /// Stands for a value that is missing.
    static let absent: UInt64 = 0x6d69_7373_696e_6721
    /// Millionths of a percent that are everything.
    private static let whole: UInt64 = 100_000_000

    /// The share, in millionths of a percent: 1 to 100,000,000.
    let millionths: UInt64
    /// The column by which records are chosen; nil: by their place.
    let column: Int?
    /// The field of that column.
    let field: String?
    /// Hashes up to this one are in the sample.
    private let limit: UInt64

    init(millionths: UInt64, column: Int? = nil, field: String? = nil) {
        self.millionths = millionths
        self.column = column
        self.field = field
        // 2^64 * share - 1, without leaving 64 bits.
        let scaled = Self.whole.dividingFullWidth((millionths % Self.whole, 0)).quotient
        limit = millionths == Self.whole ? .max : scaled &- 1
    }

    /// Reads `1%` or `0.05%`.
    static func millionths(_ text: String) -> UInt64? {
        guard text.hasSuffix("%") else { return nil }
        let parts = text.dropLast().split(separator: ".", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy(isDigit) }) else {
            return nil
        }
        let decimals = parts.count == 2 ? parts[1] : ""
        guard parts[0].count <= 3, decimals.count <= 6, let percent = UInt64(parts[0]),
            let rest = UInt64((decimals + "000000").prefix(6))
        else { return nil }
        let value = percent * 1_000_000 + rest
        return (1...whole).contains(value) ? value : nil
    }

    /// The warning of who chooses by what was chosen by already: the same hash chooses the same records again.
    func repetition(of earlier: RecordSchema.Sampling, by node: String, at location: SourceLocation) -> Diagnostic {
        let (whole, part) = (Self.text(earlier.millionths), Self.text(millionths))
        let chooser = field.map { "by \($0)" } ?? "by their place"
        let product = earlier.millionths.multipliedFullWidth(by: millionths)
        let meant = Self.text(max(1, Self.whole.dividingFullWidth(product).quotient))
        let outcome =
            millionths < earlier.millionths ? "what is left is \(part) of all" : "all of them are in these \(part)"
        return Diagnostic(
            .warning, code: "sample-twice", at: location,
            "node \(node): the records are a sample of \(whole) \(chooser) already, made by \(earlier.node), and the same hash "
                + "chooses again: \(outcome), and not \(part) of \(whole)",
            hint: "write \(meant) in \(earlier.node) and leave this one out"
                + (millionths < earlier.millionths ? ", or read from in front of \(earlier.node)" : ""))
    }

    /// What to write for a share without its sign, such as 0.01.
    static func hint(for text: String) -> String {
        guard let fraction = Double(text), fraction > 0, fraction < 1 else {
            return "write 1% for one record in a hundred"
        }
        return "write \(Self.text(max(1, UInt64((fraction * 100_000_000).rounded())))) for that share"
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }

    /// Whether a record with this hash is in the sample. The hash is mixed once more: sketches count distinct values by the
    /// same hashes, and those of a sample must look as random to them as all others.
    @inline(__always)
    func takes(_ hash: UInt64) -> Bool { SeededRandom.mix(hash ^ 0x73_616d_706c_65) <= limit }

    var neededHashes: Set<Int> { column.map { [$0] } ?? [] }

    func trace(_ meaning: inout EventMeaning) {
        if let field { meaning.usedFields.insert(field) }
        meaning.add("sample", "\(Self.text(millionths)) by \(field ?? "place")")
    }

    /// `1%`, without needless digits.
    static func text(_ millionths: UInt64) -> String {
        let (percent, rest) = millionths.quotientAndRemainder(dividingBy: 1_000_000)
        guard rest > 0 else { return "\(percent)%" }
        var decimals = String(String(rest + 1_000_000).dropFirst())
        while decimals.hasSuffix("0") { decimals.removeLast() }
        return "\(percent).\(decimals)%"
    }

    func build(in context: BuildContext) throws -> any Operator { Sample(plan: self) }
}
