import Dataflow
import Declaration
import Synchronization

/// Keeps secrets out of everything that is written to standard error, whoever quotes them: libraries repeat what they
/// do not understand, and a password ends up in places that are none for a password.
///
/// Secrets are the texts from the environment in fields that may hold one (`url`, Kafka's `settings`), whichever setting they
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

    /// Conceals what a topology got from its environment for fields that may hold a secret.
    static func conceal(_ declaration: TopologyDeclaration) {
        for node in declaration.nodes {
            for field in node.spec.fields where field.type.mayHoldSecret {
                conceal(node.config[field.name]?.environmentTexts ?? [])
            }
        }
    }

    /// The line with `…` in place of secrets.
    static func redacted(_ line: String) -> String {
        let secrets = secrets.withLock { $0 }
        return secrets.reduce(line) { $0.contains($1) ? $0.replacing($1, with: "…") : $0 }
    }
}

extension SpecType {
    fileprivate var mayHoldSecret: Bool {
        switch self {
        case .secret: true
        case .map(let element), .list(let element): element.mayHoldSecret
        default: false
        }
    }
}

extension ConfigValue {
    /// The texts in this value, and in all that it holds, that came from the environment.
    fileprivate var environmentTexts: [String] {
        switch content {
        case .string(let text): isFromEnvironment ? [text] : []
        case .list(let elements): elements.flatMap(\.environmentTexts)
        case .map(let entries): entries.flatMap(\.value.environmentTexts)
        default: []
        }
    }
}
