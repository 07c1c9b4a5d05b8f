import Kafka
import Testing

@testable import Nodes

@Suite struct SharedInspectorsTests {
    private func connection(_ brokers: [String], _ settings: [String: String] = [:]) -> ConnectionConfiguration {
        // Nothing listens there, and nothing is asked.
        ConnectionConfiguration(brokers: brokers, settings: settings)
    }

    @Test func whoWatchesTheSameClusterSharesAClient() throws {
        let first = try SharedInspectors.inspector(of: connection(["127.0.0.1:1"]))
        #expect(try SharedInspectors.inspector(of: connection(["127.0.0.1:1"])) === first)
        #expect(try SharedInspectors.inspector(of: connection(["127.0.0.1:2"])) !== first)
        #expect(try SharedInspectors.inspector(of: connection(["127.0.0.1:1"], ["client.id": "x"])) !== first)
    }

    @Test func itIsGoneWithTheLastWhoHasIt() throws {
        let place = connection(["127.0.0.1:3"])
        weak var first: LogInspector?
        do {
            let inspector = try SharedInspectors.inspector(of: place)
            first = inspector
            #expect(first != nil)
        }
        #expect(first == nil)
    }

    @Test func settingsThatAreRefusedAreSaidEachTime() {
        let place = connection(["127.0.0.1:4"], ["no.such.setting": "1"])
        for _ in 0..<2 {
            #expect(throws: KafkaError.self) { try SharedInspectors.inspector(of: place) }
        }
    }
}
