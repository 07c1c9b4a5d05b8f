import Testing

@testable import Kafka

@Suite struct AllowedSettingsTests {
    @Test func settingsThatRunCodeAreRefusedWithTheReason() {
        for (key, word) in [
            ("plugin.library.paths", "loads code"), ("sasl.kerberos.kinit.cmd", "shell command"),
            ("ssl.engine.location", "loads code"),
        ] {
            let error = #expect(throws: KafkaError.self) { try AllowedSettings.check([key: "x"], scope: .consumer) }
            #expect(error?.code == .configuration)
            #expect(error?.description.contains(word) == true, "\(key): \(String(describing: error))")
        }
    }

    @Test func typingErrorsGetTheNearestKey() {
        for (typed, meant) in [
            ("sesion.timeout.ms", "session.timeout.ms"), ("sasl.usernam", "sasl.username"),
            ("Security.Protocol", "security.protocol"),
        ] {
            let error = #expect(throws: KafkaError.self) { try AllowedSettings.check([typed: "x"], scope: .consumer) }
            #expect(error?.hint == "did you mean '\(meant)'?", "\(typed)")
        }
    }

    @Test func nonsenseGetsNoSuggestion() {
        let error = #expect(throws: KafkaError.self) { try AllowedSettings.check(["qqq": "x"], scope: .consumer) }
        #expect(error?.hint?.contains("did you mean") == false)
    }

    @Test func aSettingOfTheOtherKindOfClientIsSaidToBeOne() {
        let error = #expect(throws: KafkaError.self) { try AllowedSettings.check(["linger.ms": "5"], scope: .consumer) }
        #expect(error?.message.contains("is for a producer") == true)
    }

    @Test func everyAllowedKeyIsKnownToTheLibraryAndNeverRefused() throws {
        let newer: Set<String> = ["client.dns.lookup"]  // Since 2.2.0; older libraries say that they do not know it.
        for setting in AllowedSettings.all where !newer.contains(setting.key) {
            #expect(AllowedSettings.refused[setting.key] == nil)
            #expect(!setting.reason.isEmpty)
            // A value that is wrong for a known key says so; an unknown key is said to be unknown.
            let scope: AllowedSetting.Scope = setting.scope == .producer ? .producer : .consumer
            let connection = ConnectionConfiguration(brokers: ["127.0.0.1:1"], settings: [setting.key: "\u{1}"])
            do {
                if scope == .producer {
                    _ = try Producer(ProducerConfiguration(connection: connection))
                } else {
                    _ = try Consumer(ConsumerConfiguration(connection: connection, group: nil, topics: []))
                }
            } catch {
                #expect(!error.message.contains("is not known"), "\(error)")
            }
        }
    }

    @Test func secretsAppearNowhere() throws {
        let connection = ConnectionConfiguration(
            brokers: ["127.0.0.1:1"], settings: ["sasl.password": "hunter2", "sasl.username": "anna"])
        let configuration = ConsumerConfiguration(connection: connection, group: "g", topics: ["t"])
        var dumped = ""
        dump(configuration, to: &dumped)
        for text in [connection.description, "\(configuration)", String(reflecting: configuration), dumped] {
            #expect(!text.contains("hunter2"), "\(text)")
        }
        #expect(connection.description.contains("sasl.username=anna"))
        let bad = ConnectionConfiguration(brokers: ["127.0.0.1:1"], settings: ["ssl.key.pem": "hunter2"])
        do {
            _ = try Consumer(ConsumerConfiguration(connection: bad, group: nil, topics: []))
        } catch {
            #expect(!"\(error)".contains("hunter2"))
        }
    }

    @Test func whatWeFixCannotBeOverridden() throws {
        for key in ["enable.auto.commit", "auto.offset.reset", "enable.auto.offset.store", "check.crcs", "group.id"] {
            #expect(throws: KafkaError.self) { try AllowedSettings.check([key: "x"], scope: .consumer) }
        }
        let configuration = ConsumerConfiguration(
            connection: ConnectionConfiguration(brokers: ["a:1"]), group: "g", topics: ["t"])
        let properties = try configuration.properties(library: .current)
        func last(_ key: String) -> String? { properties.last { $0.key == key }?.value }
        #expect(last("enable.auto.commit") == "false")
        #expect(last("enable.auto.offset.store") == "false")
        #expect(last("auto.offset.reset") == "error")
        #expect(last("check.crcs") == "true")
        #expect(last("partition.assignment.strategy") == "range")
        #expect(last("queued.min.messages") == "100000")
        #expect(last("queued.max.messages.kbytes") == "16384")
    }

    @Test func cooperativeAssignmentNeedsALibraryThatGetsItRight() {
        let configuration = ConsumerConfiguration(
            connection: ConnectionConfiguration(
                brokers: ["a:1"], settings: ["partition.assignment.strategy": "cooperative-sticky"]),
            group: "g", topics: ["t"])
        let error = #expect(throws: KafkaError.self) {
            try configuration.properties(library: LibraryVersion(2, 0, 2))
        }
        #expect(error?.description.contains("2.10.1") == true)
        #expect(throws: Never.self) { try configuration.properties(library: LibraryVersion(2, 13, 2)) }
    }
}
