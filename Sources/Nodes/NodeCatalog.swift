package import Dataflow

/// Every node type, in the order of the reference page. Nothing registers itself.
package enum NodeCatalog {
    /// The declarations of all node types.
    package static let specs: [NodeSpec] = [
        KafkaSource.spec, FileSource.spec, ParseJSON.spec, Filter.spec, Summarize.spec, PostgresTarget.spec,
        ConsoleSink.spec,
    ]

    /// The settings of a whole topology. Where the engine has a default of its own, it is that one.
    package static let settings: [FieldSpec] = [
        FieldSpec(
            "memory", .bytes(Int64(Limits.memoryMin)...(1 << 40)),
            "The memory the topology stays in: Kafka's queues, batches, groups, sketches, rows in flight and 20 MiB for the "
                + "program. It is anonymous memory; the pages of the program's files, some 40 MiB, come on top.",
            default: "\(Limits.memoryDefault >> 20)MiB"),
        FieldSpec(
            "commit_interval", .duration(.milliseconds(10)...Limits.commitIntervalMax),
            "The least time between two commits; up to six times longer while the backlog is larger than what was read. An "
                + "interval below 250ms is stretched, up to that, to four times as long as commits take. "
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
