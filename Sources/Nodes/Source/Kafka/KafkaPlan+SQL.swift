import Declaration
import Kafka

extension KafkaPlan: QueryableSource {
    package var rawCondition: String? {
        "topic IN (\(configuration.topics.map { SQLWord.literal($0) }.joined(separator: ", ")))"
    }

    package var hasPartitions: Bool { true }
}
