import Dataflow
import Kafka
import Testing

@testable import DataflowTesting
@testable import Nodes

/// What comes with a message reaches its record, and does so again after a rewind.
@Suite(.serialized) struct MessageValueTests {
    @Test func keysAndHeadersComeWithTheirMessage() async throws {
        let stand = try SourceStand(brokers: 1)
        let name = try stand.topic(partitions: 1)
        var producer = try Producer(ProducerConfiguration(connection: stand.connection))
        let topic = try producer.topic(name)
        for (key, number) in [("1", "1"), (nil, "2"), ("3", nil), ("4", "four"), ("five", "5"), ("6", "6")] {
            try producer.produce(
                Array("{}".utf8), key: key.map { Array($0.utf8) }, to: topic, partition: 0,
                headers: number.map { [.init("n", Array("0".utf8)), .init("n", Array($0.utf8))] } ?? [])
        }
        try producer.close()
        let parse = try ParseStand(
            "{ fields: { k: { from: message.key, type: integer, required: true }, p: { from: message.partition, type: integer, "
                + "required: true }, n: { from: message.header.n, type: integer, required: true }, "
                + "t: { from: message.timestamp, type: timestamp, required: true } } }")
        #expect(parse.problems.isEmpty, "\(parse.problems)")
        let run = try KafkaRun(stand, topics: [name], parse: parse.plan)
        run.refusals.add(1)
        try await run.waitFor("all are read") { run.position(name) == 6 }
        try await run.stop()
        // Of two headers of a name the last one counts: the first would be good in all of them.
        #expect(run.database.deadLetters.map(\.offset).sorted() == [1, 2, 3, 4])
        #expect(run.read(name) == 6)
    }
}
