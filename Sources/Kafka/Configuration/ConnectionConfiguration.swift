internal import Glibc

/// Which cluster, and how to get in. Shared by consumers, producers and cluster inspection.
public struct ConnectionConfiguration: Sendable {
    /// Addresses to begin with, `host:port`.
    public var brokers: [String]
    /// librdkafka settings from the user, checked against the allow-list when a client is made.
    public var settings: [String: String]
    /// Where librdkafka's log lines go; dropped if nil.
    public var log: KafkaLogHandler?

    /// A connection to the cluster reachable through any of `brokers`.
    public init(brokers: [String], settings: [String: String] = [:], log: KafkaLogHandler? = nil) {
        self.brokers = brokers
        self.settings = settings
        self.log = log
    }

    /// The brokers as librdkafka wants them.
    var bootstrapServers: String { brokers.joined(separator: ",") }

    /// What librdkafka is told for a client of this scope, ours first; later entries win.
    /// - Throws: `KafkaError` with code `configuration`.
    func properties(scope: AllowedSetting.Scope) throws(KafkaError) -> [ClientProperty] {
        guard brokers.contains(where: { !$0.isEmpty }) else {
            throw KafkaError(
                code: .configuration, message: "kafka: no brokers given", hint: "set brokers to host:port[,host:port]")
        }
        try AllowedSettings.check(settings, scope: scope)
        return [
            ClientProperty("bootstrap.servers", bootstrapServers),
            ClientProperty("client.id", "millrace"),
            ClientProperty("socket.nagle.disable", "true"),
            ClientProperty("enable.metrics.push", "false", isOptional: true),
        ]
    }

    /// Settings that name files.
    private static let fileSettings = [
        "ssl.ca.location", "ssl.certificate.location", "ssl.key.location", "ssl.keystore.location", "ssl.crl.location",
        "sasl.kerberos.keytab",
    ]

    /// Looks whether the files that settings name can be read: librdkafka's errors do not say which.
    /// - Throws: `KafkaError` with code `configuration`, naming the setting and the file.
    func checkFiles() throws(KafkaError) {
        for setting in Self.fileSettings {
            // librdkafka looks for the system's certificates itself when it is told to `probe`.
            guard let path = settings[setting], !path.isEmpty, path != "probe" else { continue }
            if let reason = reasonNotToRead(path) {
                throw KafkaError(
                    code: .configuration, message: "kafka: setting '\(setting)': \(path) cannot be read: \(reason)")
            }
        }
    }

    private func reasonNotToRead(_ path: String) -> String? {
        guard unsafe access(path, R_OK) != 0 else { return nil }
        return unsafe String(cString: strerror(errno))
    }

    /// The user's settings in a fixed order.
    var userProperties: [ClientProperty] {
        settings.sorted { $0.key < $1.key }.map { ClientProperty($0.key, $0.value) }
    }
}

extension ConnectionConfiguration: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Brokers and settings; secret values are replaced.
    public var description: String {
        let shown = settings.sorted { $0.key < $1.key }.map { key, value in
            "\(key)=\(AllowedSettings.isSecret(key) ? "<hidden>" : value)"
        }
        return "brokers \(bootstrapServers)" + (shown.isEmpty ? "" : " [\(shown.joined(separator: ", "))]")
    }

    /// The same as `description`: a debugger's output reaches logs too.
    public var debugDescription: String { description }

    /// Hides the settings from `dump`.
    public var customMirror: Mirror { Mirror(self, children: ["connection": description]) }
}

/// One key and value for librdkafka.
struct ClientProperty: Sendable {
    let key: String
    let value: String
    /// Whether a librdkafka that does not know the key may go on without it.
    let isOptional: Bool

    init(_ key: String, _ value: String, isOptional: Bool = false) {
        self.key = key
        self.value = value
        self.isOptional = isOptional
    }
}
