package import Dataflow
package import Declaration
import Foundation
package import Kafka

/// What a `kafka` node does, checked.
package struct KafkaPlan: Sendable {
    /// Where a partition begins that was never read.
    package enum Start: Sendable, Equatable {
        /// The oldest message there is.
        case earliest
        /// What comes from now on.
        case latest
        /// The first message stamped at or after this time, in milliseconds since 1970.
        case timestamp(Int64)
    }

    /// The cluster, the group, the topics.
    package var configuration: ConsumerConfiguration
    /// Where a partition begins that was never read.
    package var start: Start
    /// The topology's name, part of every position's key.
    package var topology: String
    /// How often it looks around.
    package var pace = KafkaPace()
    /// Whether a message holds one document or lines.
    package var framing: Framing
    /// What is kept of each message beside its payload, for the node that reads it.
    package var messageTexts: [MessageAttribute] = []

    /// Reads a `kafka` declaration.
    /// - Throws: `Diagnostics` with everything that is wrong.
    package static func make(_ node: NodeDeclaration, topology: String) throws(Diagnostics) -> KafkaPlan {
        let config = node.config
        let brokers = strings(config["brokers"]).flatMap { $0.split(separator: ",") }
            .map { $0.trimmingCharacters(in: .whitespaces) }
        var settings: [String: String] = [:]
        for entry in config["settings"]?.entries ?? [] { settings[entry.key] = entry.value.string ?? "" }
        let connection = ConnectionConfiguration(brokers: brokers, settings: settings)
        let configuration = ConsumerConfiguration(
            connection: connection, group: config["group"]?.string ?? "millrace.\(topology)",
            topics: strings(config["topics"]))
        var problems = Diagnostics()
        if config["brokers"]?.list != nil {
            check(configuration, config["settings"], node, &problems)
        } else {
            // What is wrong with the brokers is said already; the settings are checked all the same.
            var others = configuration
            others.connection.brokers = ["localhost"]
            check(others, config["settings"], node, &problems)
        }
        var start = Start.earliest
        do throws(Diagnostics) { start = try Self.start(config.defaulted("start")) } catch {
            problems.append(contentsOf: error)
        }
        if problems.hasErrors { throw problems }
        return KafkaPlan(
            configuration: configuration, start: start, topology: topology,
            framing: config["format"]?.string == "lines" ? .lines : .document)
    }

    /// Says what is wrong with each setting, and, when each alone is right, with all of them together.
    private static func check(
        _ configuration: ConsumerConfiguration, _ settings: ConfigValue?, _ node: NodeDeclaration,
        _ problems: inout Diagnostics
    ) {
        for entry in settings?.entries ?? [] {
            var alone = configuration
            alone.connection.settings = [entry.key: entry.value.string ?? ""]
            do throws(KafkaError) { try alone.validate() } catch {
                guard error.message.contains("'\(entry.key)'") else { continue }
                problems.append(
                    Diagnostic(code: "kafka-settings", at: entry.keyLocation, error.message, hint: error.hint))
            }
        }
        guard !problems.hasErrors else { return }
        do throws(KafkaError) { try configuration.validate() } catch {
            let culprit = settings?.entries?.first { error.message.contains("'\($0.key)'") }
            let place = culprit?.keyLocation ?? settings?.location ?? node.location
            problems.append(Diagnostic(code: "kafka-settings", at: place, error.message, hint: error.hint))
        }
    }

    private static func strings(_ value: ConfigValue?) -> [String] { (value?.list ?? []).compactMap(\.string) }

    private static func start(_ value: ConfigValue) throws(Diagnostics) -> Start {
        let text = value.string ?? ""
        switch text {
        case "earliest": return .earliest
        case "latest": return .latest
        default: break
        }
        let plain = Date.ISO8601FormatStyle()
        let fractional = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        for style in [plain, fractional] {
            if let date = try? style.parse(text) { return .timestamp(Int64(date.timeIntervalSince1970 * 1_000)) }
        }
        throw Diagnostics(
            Diagnostic(
                code: "kafka-start", at: value.location,
                "start is \"\(text)\", expected earliest, latest or a time such as 2026-01-01T00:00:00Z"))
    }
}
