import Declaration
import Glibc
import LookupSources
import Lookups
import Postgres

/// Where a lookup's rows are.
enum LookupOrigin: Sendable {
    /// In a database; nil: that of the topology's `postgres` nodes.
    case database(PostgresSource.Rows, url: String?)
    /// In a CSV or NDJSON file.
    case file(String)
    /// In a MaxMind database.
    case networks(String)

    var isDatabase: Bool { if case .database = self { true } else { false } }

    /// As messages name it.
    var name: String {
        switch self {
        case .database(.table(let table), _): "table \(table)"
        case .database(.query, _): "a query"
        case .file(let path), .networks(let path): path
        }
    }

    /// What tables remember: the place of a file is the machine's business.
    var meaning: String {
        switch self {
        case .database(.table(let table), _): "table \(table)"
        case .database(.query(let query), _): "query \(Self.canonical(query))"
        case .file(let path), .networks(let path): "file \(path.split(separator: "/").last.map(String.init) ?? path)"
        }
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
    func listener(for schedule: LookupSchedule, _ context: BuildContext) -> LookupListener? {
        guard case .database(_, let url) = self, let channel = schedule.notify,
            context.services[LookupStandIns.self]?.paths[context.node] == nil,
            let settings = try? Self.settings(url, context)
        else { return nil }
        return LookupListener(settings, channel: channel)
    }

    /// A source of the rows in a file, which its first character tells: `{` begins an object.
    static func fileSource(_ path: String) throws(LookupError) -> any DimensionSource {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            let code = errno
            let reason = unsafe String(cString: strerror(code))
            throw LookupError(
                .source, "\(path): the file cannot be opened: \(reason); check its path and its permissions",
                isRetryable: false)
        }
        defer { close(descriptor) }
        var head = [UInt8](repeating: 0, count: 4_096)
        let count = unsafe head.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
        let blank: Set<UInt8> = [0x20, 0x09, 0x0a, 0x0d, 0xef, 0xbb, 0xbf]
        let first = head.prefix(max(0, count)).first { !blank.contains($0) }
        return first == UInt8(ascii: "{") ? NDJSONSource(path: path) : CSVSource(path: path)
    }
}
