import Platform

/// A librdkafka setting users may pass through.
struct AllowedSetting: Sendable {
    /// Which clients know it.
    enum Scope: Sendable { case connection, consumer, producer }

    let key: String
    let scope: Scope
    /// Whether the value must never be shown.
    let isSecret: Bool
    /// Why it may be passed through.
    let reason: String

    init(_ key: String, _ scope: Scope, secret: Bool = false, _ reason: String) {
        self.key = key
        self.scope = scope
        self.isSecret = secret
        self.reason = reason
    }
}

/// The allow-list. Everything else is refused, because some of librdkafka's settings run code or load libraries.
enum AllowedSettings {
    static let all: [AllowedSetting] = [
        // Who we are and how to get in
        .init("security.protocol", .connection, "plain, TLS or SASL is the cluster's choice"),
        .init("sasl.mechanism", .connection, "alias of sasl.mechanisms"),
        .init("sasl.mechanisms", .connection, "PLAIN, SCRAM or OAUTHBEARER is the cluster's choice"),
        .init("sasl.username", .connection, "credentials"),
        .init("sasl.password", .connection, secret: true, "credentials"),
        .init("sasl.kerberos.service.name", .connection, "Kerberos: the brokers' principal"),
        .init("sasl.kerberos.principal", .connection, "Kerberos: Millrace's principal"),
        .init("sasl.kerberos.keytab", .connection, "Kerberos: the file with Millrace's key"),
        .init("sasl.oauthbearer.method", .connection, "OAuth: token by OIDC"),
        .init("sasl.oauthbearer.client.id", .connection, "OAuth: credentials"),
        .init("sasl.oauthbearer.client.secret", .connection, secret: true, "OAuth: credentials"),
        .init("sasl.oauthbearer.scope", .connection, "OAuth: the scope of the token"),
        .init("sasl.oauthbearer.extensions", .connection, secret: true, "OAuth: cluster and pool ids of hosted Kafka"),
        .init("sasl.oauthbearer.token.endpoint.url", .connection, "OAuth: where tokens come from"),
        .init("ssl.ca.location", .connection, "TLS: own certificate authority"),
        .init("ssl.ca.pem", .connection, "TLS: own certificate authority, inline"),
        .init("ssl.certificate.location", .connection, "TLS: client certificate"),
        .init("ssl.certificate.pem", .connection, "TLS: client certificate, inline"),
        .init("ssl.key.location", .connection, "TLS: client key"),
        .init("ssl.key.pem", .connection, secret: true, "TLS: client key, inline"),
        .init("ssl.key.password", .connection, secret: true, "TLS: client key's passphrase"),
        .init("ssl.keystore.location", .connection, "TLS: PKCS#12 bundle"),
        .init("ssl.keystore.password", .connection, secret: true, "TLS: the bundle's passphrase"),
        .init("ssl.crl.location", .connection, "TLS: revoked certificates"),
        .init("ssl.cipher.suites", .connection, "TLS: rules of your organisation"),
        .init("ssl.curves.list", .connection, "TLS: rules of your organisation"),
        .init("ssl.sigalgs.list", .connection, "TLS: rules of your organisation"),
        .init("ssl.endpoint.identification.algorithm", .connection, "TLS: clusters whose names do not match"),
        .init("enable.ssl.certificate.verification", .connection, "TLS: test clusters with self-made certificates"),
        // The network between
        .init("client.id", .connection, "broker logs and quotas name clients by it"),
        .init("client.rack", .connection, "reads from the nearest replica"),
        .init("client.dns.lookup", .connection, "bootstrap names with several addresses (librdkafka 2.2.0 and later)"),
        .init("broker.address.family", .connection, "hosts with a broken IPv6 path"),
        .init("broker.address.ttl", .connection, "brokers that change addresses"),
        .init("socket.timeout.ms", .connection, "slow links"),
        .init("socket.connection.setup.timeout.ms", .connection, "slow links"),
        .init("socket.keepalive.enable", .connection, "firewalls that forget idle connections"),
        .init("socket.receive.buffer.bytes", .connection, "long fat links"),
        .init("socket.send.buffer.bytes", .connection, "long fat links"),
        .init("connections.max.idle.ms", .connection, "load balancers that cut idle connections"),
        .init("reconnect.backoff.ms", .connection, "how often a cluster that is down is tried again"),
        .init("reconnect.backoff.max.ms", .connection, "how often a cluster that is down is tried again"),
        .init("retry.backoff.ms", .connection, "how soon a failed request is sent again"),
        .init("metadata.max.age.ms", .connection, "how soon new topics and leaders are seen"),
        .init("topic.metadata.refresh.interval.ms", .connection, "how soon new topics and leaders are seen"),
        .init("api.version.request", .connection, "brokers whose version answer the client misreads"),
        .init("broker.version.fallback", .connection, "brokers that cannot say their version"),
        .init("debug", .connection, "diagnosis; lines go to Millrace's log"),
        // Reading
        .init("session.timeout.ms", .consumer, "how soon a dead instance's partitions move"),
        .init("heartbeat.interval.ms", .consumer, "goes with session.timeout.ms"),
        .init("max.poll.interval.ms", .consumer, "after how long without a poll the group drops a member"),
        .init("group.instance.id", .consumer, "static membership: a restart does not rebalance"),
        .init("partition.assignment.strategy", .consumer, "range, roundrobin, or cooperative-sticky from 2.10.1 on"),
        .init("isolation.level", .consumer, "reading aborted transactions too, if wanted"),
        .init("fetch.wait.max.ms", .consumer, "latency against idle traffic"),
        .init("fetch.min.bytes", .consumer, "latency against throughput"),
        .init("fetch.error.backoff.ms", .consumer, "how soon a failed fetch is sent again"),
        .init("fetch.max.bytes", .consumer, "memory against throughput"),
        .init("fetch.message.max.bytes", .consumer, "memory against throughput"),
        .init("max.partition.fetch.bytes", .consumer, "alias of fetch.message.max.bytes"),
        .init("receive.message.max.bytes", .consumer, "clusters with very large messages"),
        .init("queued.max.messages.kbytes", .consumer, "memory against throughput"),
        .init("queued.min.messages", .consumer, "memory against throughput"),
        // Writing
        .init("acks", .producer, "durability against latency"),
        .init("request.required.acks", .producer, "alias of acks"),
        .init("enable.idempotence", .producer, "no duplicates on retry"),
        .init("transactional.id", .producer, "transactions"),
        .init("compression.type", .producer, "none, gzip, snappy, lz4 or zstd"),
        .init("compression.codec", .producer, "alias of compression.type"),
        .init("compression.level", .producer, "size against CPU"),
        .init("linger.ms", .producer, "throughput against latency"),
        .init("queue.buffering.max.ms", .producer, "alias of linger.ms"),
        .init("batch.size", .producer, "throughput against latency"),
        .init("batch.num.messages", .producer, "throughput against latency"),
        .init("message.max.bytes", .producer, "clusters that take larger messages"),
        .init("queue.buffering.max.messages", .producer, "memory against throughput"),
        .init("queue.buffering.max.kbytes", .producer, "memory against throughput"),
        .init("message.timeout.ms", .producer, "when a message counts as undeliverable"),
        .init("delivery.timeout.ms", .producer, "alias of message.timeout.ms"),
        .init("request.timeout.ms", .producer, "slow clusters"),
        .init("retries", .producer, "slow clusters"),
        .init("max.in.flight", .producer, "throughput against order without idempotence"),
        .init("partitioner", .producer, "the same key to the same partition as other clients put it"),
    ]

    /// Settings we keep from users, with the sentence they see.
    static let refused: [String: String] = [
        "plugin.library.paths": "it loads code into this process",
        "sasl.kerberos.kinit.cmd": "it runs a shell command; renew the ticket outside and use the keytab",
        "sasl.oauthbearer.config": "it is parsed by a built-in mechanism for tests; use sasl.oauthbearer.method=oidc",
        "enable.sasl.oauthbearer.unsecure.jwt": "unsigned tokens are for tests of librdkafka",
        "ssl.engine.location": "it loads code into this process",
        "ssl.providers": "it loads code into this process",
        "enable.auto.commit": "offsets are committed together with the results",
        "auto.commit.enable": "offsets are committed together with the results",
        "enable.auto.offset.store": "offsets are committed together with the results",
        "auto.offset.reset": "a gap is never skipped silently; where to begin is `start:`",
        "check.crcs": "corrupt messages are always looked for",
        "enable.partition.eof": "Millrace sets it where it needs it",
        "enable.metrics.push": "Millrace sends no telemetry",
        "allow.auto.create.topics": "a misspelt topic would be created instead of reported",
        "group.id": "it is a field of its own: `group`",
        "bootstrap.servers": "it is a field of its own: `brokers`",
        "metadata.broker.list": "it is a field of its own: `brokers`",
        "group.protocol": "the new consumer protocol has no explicit offsets before 2.12; not supported",
        "log_level": "log lines are filtered by Millrace's log level",
        "test.mock.num.brokers": "it would replace the brokers; use `millrace broker`",
    ]

    private static let byKey = Dictionary(uniqueKeysWithValues: all.map { ($0.key, $0) })

    /// The entry for `key`, if a client of this `scope` may have it.
    static func find(_ key: String, scope: AllowedSetting.Scope) -> AllowedSetting? {
        guard let found = byKey[key], found.scope == .connection || found.scope == scope else { return nil }
        return found
    }

    /// Whether the value of `key` must not be shown; unknown keys count as secret.
    static func isSecret(_ key: String) -> Bool { byKey[key]?.isSecret ?? true }

    /// Checks a user's settings for a client of this `scope`.
    /// - Throws: `KafkaError` with code `configuration` for the first bad key in alphabetical order, naming the
    ///   reason or the nearest allowed key. Never shows a value.
    static func check(_ settings: [String: String], scope: AllowedSetting.Scope) throws(KafkaError) {
        for key in settings.keys.sorted() where find(key, scope: scope) == nil {
            if let reason = refused[key] {
                throw KafkaError(code: .configuration, message: "kafka: setting '\(key)' is refused: \(reason)")
            }
            if let other = byKey[key] {
                throw KafkaError(
                    code: .configuration,
                    message: "kafka: setting '\(key)' is for a \(other.scope), found in the settings of a \(scope)")
            }
            throw KafkaError(
                code: .configuration, message: "kafka: unknown setting '\(key)'",
                hint: nearest(to: key, scope: scope).map { "did you mean '\($0)'?" }
                    ?? "the settings that may be passed through are listed in the reference of the kafka node")
        }
    }

    /// The allowed key that was probably meant.
    static func nearest(to key: String, scope: AllowedSetting.Scope) -> String? {
        Suggestion.nearest(to: key, in: all.filter { $0.scope == .connection || $0.scope == scope }.map(\.key))
    }
}
