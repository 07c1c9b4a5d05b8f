import Foundation
import Kafka
import LocalServices

/// The services of the demonstration: a private Postgres and the development broker.
///
/// They end with ``stop()``, and shortly after this process should it end in any other way.
final class DemoStage: Sendable {
    private let postgres: PrivatePostgres
    private let broker: DevelopmentBroker
    private let topic: String

    /// Starts both. Blocks for some seconds.
    /// - Throws: what is missing on this machine, or why a service does not come up.
    init(topic: String, partitions: Int) throws {
        self.topic = topic
        guard let program = Bundle.main.executablePath else {
            throw DemoShow.Failure(
                description: "the path of this program is not known, so the broker cannot be started")
        }
        var options = PrivatePostgres.Options()
        // Only its owner can enter the socket's folder, so nobody needs a password; and what a commit costs in
        // production, it costs here.
        options.listen = .unixSocket
        options.durability = .powerFailure
        postgres = try PrivatePostgres.start(options)
        do {
            broker = try DevelopmentBroker(executable: URL(filePath: program), topics: [topic: partitions])
        } catch {
            postgres.stop()
            throw error
        }
    }

    /// Where the tables are.
    var databaseURL: String { postgres.url() }

    /// What the topology's `${NAME}` stand for.
    var environment: [String: String] {
        ["KAFKA_BROKERS": broker.bootstrapServers, "DATABASE_URL": databaseURL]
    }

    /// How to write events to the broker.
    var output: DemoDriver.Output {
        DemoDriver.Output(
            configuration: ProducerConfiguration(
                connection: ConnectionConfiguration(brokers: [broker.bootstrapServers])),
            topic: topic)
    }

    /// Where things are.
    var description: String {
        """
          Kafka     \(broker.bootstrapServers)
          Postgres  \(databaseURL)
        """
    }

    /// What to do while the services keep running.
    var invitation: String {
        """

        1,000 events a second keep coming. In another terminal:
          psql '\(databaseURL)' -c 'select * from kpi_minute order by window_start desc limit 20'
          kcat -b \(broker.bootstrapServers) -t \(topic) -C -o end
        Ctrl-C ends everything.
        """
    }

    /// Ends both services and removes their files.
    func stop() {
        broker.stop()
        postgres.stop()
    }
}
