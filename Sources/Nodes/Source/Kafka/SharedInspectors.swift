import Kafka
import Synchronization

/// One client for each cluster that topologies of this process watch the logs of: a client of its own for each would cost
/// four threads that wake up every second.
enum SharedInspectors {
    /// What makes two connections the same. Its settings hold secrets, so it is not to be shown.
    private struct Key: Hashable {
        var brokers: [String]
        var settings: [String: String]
    }

    private struct Entry {
        weak var inspector: LogInspector?
    }

    private static let known = Mutex<[Key: Entry]>([:])

    /// The inspector of a cluster, which is there as long as somebody has it. Lines of its client's log go nowhere: each
    /// topology's own consumer has the same to say, and answers name their errors.
    static func inspector(of connection: ConnectionConfiguration) throws(KafkaError) -> LogInspector {
        let key = Key(brokers: connection.brokers, settings: connection.settings)
        return try known.withLock { known throws(KafkaError) in
            if let inspector = known[key]?.inspector { return inspector }
            known = known.filter { $0.value.inspector != nil }
            let inspector = try LogInspector(
                ConnectionConfiguration(brokers: connection.brokers, settings: connection.settings),
                timeout: SourceLimits.watchRequest)
            known[key] = Entry(inspector: inspector)
            return inspector
        }
    }
}
