import Dataflow
import Declaration
import LookupSources
import Lookups
import Postgres

/// Reads a `lookup` declaration.
struct LookupReader {
    private let node: NodeDeclaration
    private let input: RecordSchema
    /// The records that the node hands on, as far as they are known.
    private(set) var output: RecordSchema
    /// What it reads outside of the topology.
    private(set) var resources: [any Resource] = []

    init(_ node: NodeDeclaration, _ input: RecordSchema) {
        self.node = node
        self.input = input
        output = input
    }

    private var config: ConfigValue { node.config }

    /// - Returns: the plan, nil when something is wrong, which was said.
    mutating func read(_ problems: inout Diagnostics) -> LookupPlan? {
        let origin = origin(&problems)
        let keys = keys(&problems)
        let cells = cells(&problems)
        let moments = moments(&problems)
        let schedule = LookupSchedule(
            every: config.defaulted("every").duration ?? .zero, notify: config["notify"]?.string,
            maxStaleness: config["max_staleness"]?.duration)
        checkSettings(origin, schedule, &problems)
        guard let origin, let keys, let cells, let moments,
            let missing = config.defaulted("missing").string.flatMap(LookupPlan.Missing.init)
        else { return nil }
        if case .networks = origin { guard checkNetworks(keys, &problems) else { return nil } }
        let isWhole = !["every", "notify", "max_staleness", "url"].contains { config[$0]?.isInvalid ?? false }
        guard isWhole else { return nil }
        return LookupPlan(
            node: node.name, origin: origin, keys: keys, cells: cells, moments: moments.column,
            validity: moments.validity, missing: missing, schedule: schedule)
    }

    // MARK: - Where the rows are

    private mutating func origin(_ problems: inout Diagnostics) -> LookupOrigin? {
        let kinds = ["table", "query", "file", "maxmind"]
        let given = kinds.filter { config[$0] != nil }
        guard given.count == 1, let kind = given.first, let value = config[kind] else {
            let found = given.isEmpty ? "none" : given.joined(separator: " and ")
            problems.append(
                Diagnostic(
                    code: "lookup-origin",
                    at: given.dropFirst().first.flatMap { config[$0]?.location } ?? node.location,
                    "lookup \(node.name) has to say where its rows are, found \(found), expected one of "
                        + kinds.joined(separator: ", "),
                    hint: given.isEmpty ? "for example table: campaigns" : "keep one of them"))
            return nil
        }
        guard let text = value.string else { return nil }
        switch kind {
        case "file": return .file(text)
        case "maxmind": return .networks(text)
        case "query": return database(.query(text), isSecret: value.isFromEnvironment, &problems)
        default:
            guard value.tableName(&problems) != nil else { return nil }
            return database(.table(text), isSecret: false, &problems)
        }
    }

    private mutating func database(
        _ rows: PostgresSource.Rows, isSecret: Bool, _ problems: inout Diagnostics
    ) -> LookupOrigin {
        guard let url = config["url"] else {
            resources.append(SharedDatabase(node: node.name, location: node.location))
            return .database(rows, url: nil, isSecret: isSecret)
        }
        if let text = url.string { DatabaseAddress.check(text, at: url.location, &problems) }
        return .database(rows, url: url.string, isSecret: isSecret)
    }

    // MARK: - Keys and cells

    private func keys(_ problems: inout Diagnostics) -> [LookupPlan.Key]? {
        guard let entries = config["on"]?.entries, config["on"]?.namesSomething(&problems) ?? false else { return nil }
        var keys: [LookupPlan.Key] = []
        for entry in entries {
            guard let field = input.field(entry.key, at: entry.keyLocation, &problems), let column = entry.value.string
            else { continue }
            guard let type = DimensionType(keyOf: field.type) else {
                problems.append(
                    Diagnostic(
                        code: "lookup-key", at: entry.keyLocation,
                        "field \(field.name) is a double, which is equal to little else, expected a field of another type",
                        hint: "declare it as decimal(n) in \(ParseJSON.spec.name)"))
                continue
            }
            if keys.contains(where: { $0.field == field.name }) {
                problems.append(Self.twice(entry))
                continue
            }
            keys.append(
                LookupPlan.Key(field: field.name, column: field.column, dimension: DimensionField(column, type)))
        }
        return keys.count == entries.count ? keys : nil
    }

    private mutating func cells(_ problems: inout Diagnostics) -> [LookupPlan.Cell]? {
        guard let entries = config["add"]?.entries, config["add"]?.namesSomething(&problems) ?? false else {
            output.isOpen = true
            return nil
        }
        let isOfDocument = (config["on"]?.entries ?? []).allSatisfy { input[$0.key]?.isOfDocument ?? false }
        var cells: [LookupPlan.Cell] = []
        for entry in entries {
            guard let cell = cell(entry, column: input.nextColumn + cells.count, &problems) else {
                if input[entry.key] == nil { output.unresolved.insert(entry.key) }
                continue
            }
            cells.append(cell)
            output.fields.append(
                RecordSchema.Field(
                    name: cell.name, type: cell.columnType, column: cell.column, isOfDocument: isOfDocument))
        }
        return cells.count == entries.count ? cells : nil
    }

    private func cell(
        _ entry: ConfigEntry, column: Int, _ problems: inout Diagnostics
    ) -> LookupPlan.Cell? {
        if let problem = FieldName.problem(entry.key, at: entry.keyLocation) {
            problems.append(problem)
            return nil
        }
        if let before = output[entry.key] {
            let isOwn = input[before.name] == nil
            problems.append(
                isOwn
                    ? Self.twice(entry)
                    : Diagnostic(
                        code: "field-twice", at: entry.keyLocation,
                        "the records have a field \(entry.key) already, expected a new name",
                        hint: "write \(entry.key)_added: { column: \(entry.key), type: … }, or drop the field before"))
            return nil
        }
        guard let declared = entry.value["type"], let text = declared.string else { return nil }
        guard let type = DimensionType(named: text) else {
            problems.append(ParsePlan.typeProblem(text, at: declared.location, isOfDimension: true))
            return nil
        }
        if let source = entry.value["column"], source.isInvalid { return nil }
        return LookupPlan.Cell(
            name: entry.key, column: column,
            dimension: DimensionField(entry.value["column"]?.string ?? entry.key, type))
    }

    private static func twice(_ entry: ConfigEntry) -> Diagnostic {
        Diagnostic(
            code: "field-twice", at: entry.keyLocation, "field \(entry.key) is named twice", hint: "name it once")
    }

    // MARK: - Settings that go together

    /// The column of the moments at which rows are to hold, if they hold for a time.
    private func moments(
        _ problems: inout Diagnostics
    ) -> (column: Int?, validity: DimensionSchema.Validity?)? {
        let bounds = ["valid_from", "valid_to"].filter { config[$0] != nil }
        guard let asOf = config["as_of"] else {
            guard let first = bounds.first.flatMap({ config[$0] }) else { return (nil, nil) }
            problems.append(
                Diagnostic(
                    code: "lookup-setting", at: first.location,
                    "\(bounds.joined(separator: " and ")) without as_of, which says the moment at which rows are to hold",
                    hint: "add as_of: event"))
            return nil
        }
        guard !asOf.isInvalid, !bounds.contains(where: { config[$0]?.isInvalid ?? false }) else { return nil }
        guard let from = config["valid_from"]?.string, let to = config["valid_to"]?.string else {
            problems.append(
                Diagnostic(
                    code: "lookup-setting", at: asOf.location,
                    "as_of needs the columns that say how long a row holds, found \(bounds.first ?? "none"), expected "
                        + "valid_from and valid_to",
                    hint: "for example valid_from: since and valid_to: until"))
            return nil
        }
        guard let column = input.eventTimeColumn else {
            guard !input.eventTimeIsUnresolved else { return nil }
            problems.append(
                Diagnostic(
                    code: "lookup-setting", at: asOf.location,
                    "as_of: event needs records with an event time, and these have none",
                    hint: "name the field with event_time in \(ParseJSON.spec.name)"))
            return nil
        }
        return (column, DimensionSchema.Validity(from: from, to: to))
    }

    private func checkSettings(
        _ origin: LookupOrigin?, _ schedule: LookupSchedule, _ problems: inout Diagnostics
    ) {
        if let origin, !origin.isDatabase {
            for name in ["url", "notify"] {
                guard let value = config[name] else { continue }
                problems.append(
                    Diagnostic(
                        code: "lookup-setting", at: value.location,
                        "\(name) is of a database, and the rows are in a file", hint: "remove it"))
            }
        }
        if case .networks? = origin, let asOf = config["as_of"] {
            problems.append(
                Diagnostic(
                    code: "lookup-setting", at: asOf.location,
                    "a MaxMind database has no rows of other times, found as_of",
                    hint: "remove it"))
        }
        guard let limit = config["max_staleness"], let most = limit.duration, most <= schedule.every else { return }
        problems.append(
            Diagnostic(
                code: "lookup-setting", at: limit.location,
                "max_staleness is not above every, so the content would be too old at each refresh",
                hint: "raise max_staleness, or lower every"))
    }

    private func checkNetworks(_ keys: [LookupPlan.Key], _ problems: inout Diagnostics) -> Bool {
        guard keys.count != 1 || keys[0].dimension.type != .text else { return true }
        let found = keys.map { "\($0.field) (\($0.dimension.type.name))" }.joined(separator: ", ")
        problems.append(
            Diagnostic(
                code: "lookup-key", at: config["on"]?.location ?? node.location,
                "a MaxMind database is asked with one text field that holds an address, found \(found)",
                hint: "name one text field"))
        return false
    }
}

/// The database of the topology's `postgres` nodes, read by a node that names none.
struct SharedDatabase: Resource {
    let node: String
    let location: SourceLocation

    func lack(among all: [any Resource]) -> Diagnostic? {
        guard !all.contains(where: { $0 is DatabaseAddress }) else { return nil }
        return Diagnostic(
            code: "lookup-database", at: location,
            "lookup \(node) reads from Postgres and names no database, and the topology has no postgres node whose it could be",
            hint: "add url: \"${DATABASE_URL}\"")
    }
}
