import Dataflow
import Synchronization

/// Keeps secrets out of everything that is written to standard error, whoever quotes them: libraries repeat what they
/// do not understand, and a password ends up in places that are none for a password.
///
/// Secrets are the values of variables in fields that may hold one (`url`, Kafka's `settings`), whichever setting they
/// stand in, and the passwords that libpq finds.
enum Redaction {
    /// Shorter values are in every second word; they protect nothing either.
    private static let bytesMin = 4
    private static let secrets = Mutex<[String]>([])

    /// From now on, these never leave.
    static func conceal(_ values: some Sequence<String>) {
        let long = values.filter { $0.utf8.count >= bytesMin }
        guard !long.isEmpty else { return }
        secrets.withLock { secrets in
            // Longest first: one may be part of another.
            secrets = Set(secrets + long).sorted { ($0.utf8.count, $0) > ($1.utf8.count, $1) }
        }
    }

    /// Conceals what a topology got from its environment.
    static func conceal(_ declaration: TopologyDeclaration) {
        conceal(declaration.nodes.flatMap { $0.config.concealed })
    }

    /// The line with `…` in place of secrets.
    static func redacted(_ line: String) -> String {
        let secrets = secrets.withLock { $0 }
        return secrets.reduce(line) { $0.contains($1) ? $0.replacing($1, with: "…") : $0 }
    }
}

extension ConfigValue {
    /// The values of variables in this value, and in all that it holds.
    fileprivate var concealed: [String] {
        switch content {
        case .list(let elements): secrets + elements.flatMap(\.concealed)
        case .map(let entries): secrets + entries.flatMap(\.value.concealed)
        default: secrets
        }
    }
}
