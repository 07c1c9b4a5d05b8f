import Declaration
import Expressions
import LookupSources
import Lookups
import Postgres

/// Where a lookup's rows are.
enum LookupOrigin: Sendable {
    /// In a database; a nil url is that of the topology's `postgres` nodes. A query that holds a secret is shown to nobody.
    case database(PostgresSource.Rows, url: String?, isSecret: Bool)
    /// In a CSV or NDJSON file.
    case file(String)
    /// In a MaxMind database.
    case networks(String)

    var isDatabase: Bool { if case .database = self { true } else { false } }

    /// As messages name it.
    var name: String {
        switch self {
        case .database(.table(let table), _, _): "table \(table)"
        case .database(.query, _, _): "a query"
        case .file(let path), .networks(let path): path
        }
    }

    /// What tables remember: the place of a file is the machine's business, and whether it is packed.
    var meaning: String {
        switch self {
        case .database(.table(let table), _, _): "table \(table)"
        case .database(.query(let query), _, let isSecret):
            "query \(isSecret ? "sha256 \(Self.canonical(query).fingerprint)" : Self.canonical(query))"
        case .file(let path), .networks(let path): "file \(Self.plainName(path))"
        }
    }

    /// What a file is called, unpacked.
    private static func plainName(_ path: String) -> String {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        return name.hasSuffix(".gz") ? String(name.dropLast(3)) : name
    }

    /// A query on one line.
    private static func canonical(_ query: String) -> String {
        query.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }

    /// The settings of a database.
    static func settings(_ url: String?, _ context: BuildContext) throws -> ConnectionSettings {
        let shared = context.resources.lazy.compactMap { ($0 as? DatabaseAddress)?.url }.first
        guard let url = url ?? shared else {
            throw LookupError(
                .source,
                "node \(context.node): the database of the lookup is not known here, since the url of the postgres nodes is "
                    + "not set; set it, or give the rows as a file: --lookup \(context.node)=rows.csv")
        }
        let settings = try ConnectionSettings(url: url)
        context.services[SecretKeeper.self]?.conceal(settings.secrets)
        return settings
    }

    /// What hears of changes; nil when nobody tells of any.
    /// - Throws: as `settings` does.
    func listener(for schedule: LookupSchedule, _ context: BuildContext) throws -> LookupListener? {
        guard case .database(_, let url, _) = self, let channel = schedule.notify else { return nil }
        return LookupListener(try Self.settings(url, context), channel: channel)
    }
}
