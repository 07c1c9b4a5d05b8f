import Dataflow
package import Declaration

/// Every node type, in the order of the reference page. Nothing registers itself.
package enum NodeCatalog {
    /// All node types.
    package static let types: [any NodeType.Type] = [
        KafkaSource.self, FileSource.self, ParseJSON.self, Filter.self, Derive.self, Sample.self, Keep.self, Drop.self,
        Rename.self, Lookup.self, Exec.self, ProgramSource.self, Summarize.self,
        PostgresTarget.self, ConsoleSink.self,
    ]

    /// Their declarations.
    package static let specs: [NodeSpec] = types.map { $0.spec }

    /// The settings of a whole topology. Where the engine has a default of its own, it is that one.
    package static let settings: [FieldSpec] = [
        FieldSpec(
            "memory", .bytes(Int64(Limits.memoryMin)...(1 << 40)),
            "The anonymous memory that the topology may take: Kafka's queues, batches, groups, sketches, rows in flight and "
                + "20 MiB for the program. The pages of the program's files, some 40 MiB, come on top.",
            default: "\(Limits.memoryDefault >> 20)MiB"),
        FieldSpec(
            "commit_interval", .duration(.milliseconds(10)...Limits.commitIntervalMax),
            "The least time between two commits; up to six times as long while the backlog is larger than the current epoch. "
                + "An interval below 250ms is stretched to four times the duration of a commit, but not beyond 250ms. "
                + "Unless given, files without a `postgres` sink are committed once, at their end, or when memory asks for it.",
            default: "\(Int(Limits.commitInterval / .milliseconds(1)))ms", example: "1s"),
        FieldSpec(
            "workers", .integer(1...256),
            "Threads that run operators; one per core unless given, fewer when `memory` is too little for their batches."
        ),
        FieldSpec(
            "batch_bytes", .bytes(4_096...(16 << 20)),
            "Payload of one batch, the unit that moves through the nodes; unless given, less when `memory` is little.",
            default: "\(Limits.batchBytes >> 10)KiB"),
        FieldSpec(
            "batch_messages", .integer(1...65_536), "The most messages of one batch.",
            default: "\(Limits.batchMessagesMax)"),
    ]
}
