import Dataflow
import Declaration
import Synchronization

/// A toy source: the whole numbers from 1 to `count`, eight bytes each.
enum Numbers: NodeType {
    static let spec = NodeSpec(
        name: "numbers", kind: .source, summary: "Counts.",
        fields: [
            FieldSpec("count", .integer(1...1_000_000), "How far.", required: true, example: "100"),
            FieldSpec("name", .string, "What its positions are kept under.", default: "numbers"),
        ], shorthand: "count", example: "n:\n  numbers: 100")

    static func compile(
        _ node: NodeDeclaration, reading input: Edge, of topology: String, _ problems: inout Diagnostics
    ) -> CompiledNode {
        let name = node.config.defaulted("name")
        let plan = Plan(count: node.config["count"]?.integer ?? 1, name: name.string ?? "")
        return CompiledNode(
            .source(plan), output: .messages(MessageOffer(source: "numbers") { _ in false }),
            resources: [Name(name: plan.name, location: node.location)])
    }

    struct Name: Resource {
        var name: String
        var location: SourceLocation

        func clash(with earlier: any Resource) -> Diagnostic? {
            guard (earlier as? Name)?.name == name else { return nil }
            return Diagnostic(code: "numbers-twice", at: location, "\(name) is counted twice")
        }
    }

    struct Plan: SourcePlan {
        var count: Int64
        var name: String

        var endsByItself: Bool { true }
        var readsStandardInput: Bool { false }
        var positionTopics: Set<String>? { [name] }
        var queues: QueueClaim? { QueueClaim("the abacus", settings: "its beads") { max($0 / 2, 1 << 20) } }

        func trace(_ meaning: inout EventMeaning) { meaning.add("counted", "one by one") }

        func build(in context: BuildContext) throws -> any Source {
            context.memory.draw(context.queueBytes / 2, for: .queues)
            return Reader(plan: self)
        }
    }

    private final class Reader: Source {
        let plan: Plan

        init(plan: Plan) { self.plan = plan }

        var status: SourceStatus { SourceStatus() }
        func close(_ intake: Intake) {}

        func run(_ intake: Intake) throws {
            let claimed = try intake.claim([PartitionKey(topic: plan.name, partition: 0)])
            try intake.begin([(claimed[0].index, 0)])
            var next: Int64 = 0
            while next < plan.count, !intake.isStopping {
                guard let batch = intake.makeBatch(timeout: .seconds(1)) else { continue }
                let first = next
                while next < min(plan.count, first + 100) {
                    next += 1
                    unsafe withUnsafeBytes(of: next) { unsafe batch.append($0, offset: next - 1, timestamp: nil) }
                }
                batch.runs = [
                    BatchRun(
                        partition: claimed[0].index, messages: 0..<Int(next - first), tombstones: 0, nextOffset: next,
                        tail: nil)
                ]
                intake.submit(batch)
            }
            _ = intake.flush(within: .seconds(60))
        }
    }
}
