import Platform

/// A random topology with its events.
struct RandomTopology {
    /// A source and what it reads.
    struct Source {
        var node: String
        var events: [RandomEvent]
    }

    /// A file that the topology reads.
    struct File {
        var name: String
        var content: String
    }

    private(set) var text = ""
    private(set) var sources: [Source] = []
    private(set) var files: [File] = []

    private let seed: UInt64
    private let folder: String
    private var random: SeededRandom
    private var expressions = RandomExpression()
    private var fields: [RandomField] = []
    private var array: String?
    private var last = "records"

    init(seed: UInt64, folder: String) {
        self.seed = seed
        self.folder = folder
        random = SeededRandom(seed: seed &* 2 &+ 1)
        let isSmall = random.chance(50)
        text = "topology: differential_\(seed)\n"
        // Many batches and commits, whose rows are merged.
        if isSmall { text += "batch_messages: 40\nbatch_bytes: 4KiB\ncommit_interval: 10ms\nworkers: 2\n" }
        text += "nodes:\n"
        makeFields()
        makeSources()
        for number in 0..<random.below(5) { addNode("n\(number)") }
        addSummary()
    }

    // MARK: - Sources and fields

    private mutating func makeFields() {
        let forms = RandomField.TimeForm.allCases
        var made = [RandomField(name: "ts", kind: .time(random.pick(forms)))]
        let kinds: [(String, RandomField.Kind)] = [
            ("a", .small), ("a2", .small), ("big", .large), ("b", .decimal(random.pick([0, 1, 2, 4]))), ("d", .double),
            ("flag", .flag), ("k", .word), ("k2", .word), ("tz", .zone), ("at", .time(random.pick(forms))),
        ]
        for (name, kind) in kinds {
            var field = RandomField(name: name, kind: kind)
            if random.chance(40) { field.options.append("on_type_error: \"null\"") }
            if random.chance(6) { field.options.append("required: true") }
            if case .time = kind {} else { field.acceptsText = random.chance(25) }
            if case .word = kind, random.chance(25) {
                field.options.append("max_bytes: \(random.pick([3, 5, 40]))")
                if random.chance(60) { field.options.append("on_too_long: truncate") }
            }
            if random.chance(8) { field.path = "in.\(name)" }
            if random.chance(8) { field.path = "\"kv[k=x.\(name)].v.\(name)\"" }
            made.append(field)
        }
        // Members of one object are written once.
        for index in made.indices where made[..<index].contains(where: { $0.path?.hasPrefix("in.") ?? false }) {
            if made[index].path?.hasPrefix("in.") ?? false { made[index].path = nil }
        }
        array = random.chance(25) ? random.pick(["items", "items", "[]", "orders[].items", "[].items"]) : nil
        moveOutside(&made)
        fields = made
        expressions.fields = [
            .integer: ["a", "a2"], .decimal: ["b"], .double: ["d"], .text: ["k", "k2"], .boolean: ["flag"],
            .timestamp: ["ts", "at"],
        ]
    }

    /// Where elements are the records, some fields stand around them.
    private mutating func moveOutside(_ made: inout [RandomField]) {
        // How many arrays an element lies in that something stands around.
        let most = ["items": 1, "orders[].items": 2, "[].items": 1][array ?? ""] ?? 0
        guard most > 0 else { return }
        // Elements that are values: all other fields stand outside.
        let element = random.chance(40) ? random.pick(["a", "big", "b", "d", "flag", "k", "k2"]) : nil
        for index in made.indices {
            let name = made[index].name
            guard element != nil || name == "k2" || most > 1 && ["flag", "d", "at"].contains(name) else { continue }
            let carets = String(repeating: "^", count: 1 + random.below(most))
            made[index].path = name == element ? "\".\"" : "\"\(carets).\(name)\""
        }
    }

    private mutating func makeSources() {
        let names = random.chance(15) ? ["one", "two"] : ["events"]
        for name in names {
            var events = RandomEvents(seed: random.next(), fields: fields, array: array)
            let made = events.events(random.pick([40, 200, 400]))
            let file = "\(seed)_\(name).ndjson"
            files.append(File(name: file, content: made.map(\.text).joined(separator: "\n") + "\n"))
            sources.append(Source(node: name, events: made))
            text += "  \(name): { file: { paths: [\"\(folder)/\(file)\"], copies: count } }\n"
        }
        for (index, name) in names.enumerated() {
            let node = index == 0 ? "records" : "records\(index + 1)"
            text += "  \(node):\n    from: \(name)\n    parse_json:\n      event_time: ts\n"
            if let array {
                text += "      each: { path: \"\(array)\", optional: \(random.pick(["true", "false"])) }\n"
            }
            text += "      fields:\n" + fields.map { "        \($0.declaration)\n" }.joined()
        }
        if names.count > 1 {
            // What comes together is filtered: a union is no node of its own.
            text += "  all: { from: [records, records2], filter: \"true or flag\" }\n"
            last = "all"
        }
    }

    // MARK: - Nodes

    private static func quoted(_ expression: String) -> String {
        "\"" + expression.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }

    private mutating func addNode(_ name: String) {
        switch random.below(10) {
        case 0...3:
            text += "  \(name):\n    from: \(last)\n    derive:\n"
            for index in 0..<1 + random.below(3) {
                let kind = random.pick(RandomExpression.Kind.allCases)
                let field = "\(name)_\(index)"
                let expression = expressions.make(kind, 2, &random)
                text += "      \(field): \(Self.quoted("(\(expression))\(Self.cast(kind))"))\n"
                expressions.fields[kind, default: []].append(field)
            }
        case 4...6:
            let condition = expressions.make(.boolean, 3, &random)
            // Most records stay.
            text += "  \(name): { from: \(last), filter: \(Self.quoted("(\(condition)) or a > 4 or flag")) }\n"
        case 7, 8: addLookup(name)
        default: addShape(name)
        }
        last = name
    }

    /// Leaves a field out, or gives it another name.
    private mutating func addShape(_ name: String) {
        // Fields that others name by themselves stay.
        let needed = ["k", "k2", "a", "flag", "tz", "big", "ts"]
        let kind = random.pick(RandomExpression.Kind.allCases)
        guard let field = expressions.fields[kind]?.last(where: { !needed.contains($0) }) else {
            return addLookup(name)
        }
        expressions.fields[kind]?.removeAll { $0 == field }
        guard random.chance(50) else {
            text += "  \(name): { from: \(last), drop: [\(field)] }\n"
            return
        }
        text += "  \(name): { from: \(last), rename: { \(name)_r: \(field) } }\n"
        expressions.fields[kind, default: []].append("\(name)_r")
    }

    /// Makes sure of the type: a literal of another one has been computed already.
    private static func cast(_ kind: RandomExpression.Kind) -> String {
        switch kind {
        case .integer: "::integer"
        case .decimal: "::decimal(2)"
        case .double: "::double"
        case .text: "::text"
        case .boolean: ""
        case .timestamp: ""
        }
    }

    private mutating func addLookup(_ name: String) {
        let isTimed = random.chance(40)
        let keys = random.chance(30) ? ["k", "a"] : [random.pick(["k", "a", "k2"])]
        var lines = [keys.joined(separator: ",") + ",label,weight" + (isTimed ? ",since,until" : "")]
        for word in ["a", "b", "ab", "Größe 1", "12", "日本"] {
            for whole in keys.count > 1 ? [1, 2, 3, 5, 8, 13] : [0] {
                guard random.chance(70) else { continue }
                let key = keys.count > 1 ? "\(word),\(whole)" : keys[0] == "a" ? "\(lines.count)" : word
                let label = random.pick(["red", "blue", "", "grün"])
                let weight = "\(random.below(500)).\(random.below(10))"
                guard isTimed else {
                    lines.append("\(key),\(label),\(weight)")
                    continue
                }
                lines.append("\(key),\(label),\(weight),,2026-03-29T01:00:00Z")
                lines.append("\(key),later,1.5,2026-03-29T01:00:00Z,\(random.pick(["", "2026-11-01T00:00:00Z"]))")
            }
        }
        if keys == ["a"], isTimed { lines = Self.timed(lines) }
        let file = "\(seed)_\(name).csv"
        files.append(File(name: file, content: lines.joined(separator: "\n") + "\n"))
        let missing = random.pick(["\"null\"", "\"null\"", "drop", "dead_letter"])
        let settings = isTimed ? ", as_of: event, valid_from: since, valid_to: until" : ""
        text += """
              \(name):
                from: \(last)
                lookup: { file: "\(folder)/\(file)", on: [\(keys.joined(separator: ", "))], missing: \(missing), \
            add: { \(name)_l: { column: label, type: text }, \(name)_w: { column: weight, type: decimal(2) } }\(settings) }

            """
        expressions.fields[.text, default: []].append("\(name)_l")
        expressions.fields[.decimal, default: []].append("\(name)_w")
    }

    /// The rows of a number come in pairs, of which the second has the number of the first.
    private static func timed(_ lines: [String]) -> [String] {
        lines.enumerated().map { index, line in
            guard index > 0 else { return line }
            return "\((index + 1) / 2),\(line.split(separator: ",", maxSplits: 1, omittingEmptySubsequences: false)[1])"
        }
    }

    // MARK: - The summary

    private mutating func addSummary() {
        text += "  kpi:\n    from: \(last)\n    summarize:\n"
        let windows = makeWindows()
        if windows.count == 1, random.chance(70) {
            text += "      window: \(windows[0])\n"
        } else if !windows.isEmpty {
            text += "      windows: [\(windows.joined(separator: ", "))]\n"
        }
        text += makeGrouping()
        text += "      metrics:\n"
        for number in 0..<1 + random.below(7) { text += "        m\(number): \(makeMetric())\n" }
        text += "  out: { from: kpi, postgres: { url: \"${DATABASE_URL}\", table: t\(seed) } }\n"
    }

    private mutating func makeWindows() -> [String] {
        let choices = [
            "1m", "7m", "90s", "1h", "1d", "36h", "7d", "{ size: 10m, every: 5m }", "{ size: 1h, every: 20m }",
            "{ size: 1 day, zone: Europe/Berlin }", "{ size: 1 week, zone: America/New_York }", "1 month",
            "{ size: 1 day, zone: tz }", "{ size: 1 quarter, zone: tz }", "{ size: 1 year, zone: Asia/Kathmandu }",
            "1 week",
        ]
        let count = random.pick([0, 1, 1, 1, 1, 2, 3])
        return Array(choices.shuffled(using: &random).prefix(count))
    }

    private mutating func makeGrouping() -> String {
        let kinds: [RandomExpression.Kind] = [.text, .boolean, .integer, .decimal]
        let all = kinds.flatMap { expressions.fields[$0] ?? [] }
        let keys = Array(all.shuffled(using: &random).prefix(random.below(4)))
        guard !keys.isEmpty else { return "" }
        let list = keys.joined(separator: ", ")
        return switch random.below(8) {
        case 0: "      rollup: [\(list)]\n"
        case 1: "      cube: [\(list)]\n"
        case 2:
            "      grouping_sets: [[\(list)], [\(keys[0])], []]\n".replacing(
                "[[\(keys[0])], [\(keys[0])]", with: "[[\(keys[0])]")
        default: "      by: [\(list)]\n"
        }
    }

    private mutating func makeMetric() -> String {
        func one(_ kinds: [RandomExpression.Kind]) -> String {
            random.pick(kinds.flatMap { expressions.fields[$0] ?? [] } + ["a"])
        }
        let numbers: [RandomExpression.Kind] = [.integer, .decimal, .double]
        let number = random.chance(15) ? "big" : one(numbers)
        // Of records of one moment in two files, SQL takes another one (FirstLast+SQL).
        let ordered = sources.count > 1 ? ["max"] : ["first", "last"]
        let call = random.pick([
            "count()", "count(\(one(RandomExpression.Kind.allCases)))", "sum(\(number))",
            "min(\(one(numbers + [.timestamp])))", "max(\(number))", "avg(\(number))",
            "uniques(\(one([.text, .integer, .boolean, .decimal])))", "percentiles(\(one(numbers)), 50, 90, 99.5)",
            "\(random.pick(ordered))(\(one(sources.count > 1 ? numbers : RandomExpression.Kind.allCases)))",
            "\(random.pick(ordered))(\(one(sources.count > 1 ? numbers : RandomExpression.Kind.allCases)))",
            "share_below(\(one(numbers)), 12.5)",
        ])
        guard random.chance(30) else { return "\"\(call)\"" }
        let condition = expressions.make(.boolean, 2, &random)
        return "{ metric: \"\(call)\", where: \(Self.quoted(condition)) }"
    }
}
