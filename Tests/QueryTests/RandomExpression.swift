import Platform

/// Random expressions over fields, of a type that is asked for, whose values Postgres can compute without errors.
struct RandomExpression {
    enum Kind: CaseIterable {
        case integer, decimal, double, text, boolean, timestamp
    }

    /// The fields that there are, by type.
    var fields: [Kind: [String]] = [:]

    private func field(_ kind: Kind, _ random: inout SeededRandom) -> String? {
        fields[kind].flatMap { $0.isEmpty ? nil : random.pick($0) }
    }

    /// An expression of a type, with so many operations on top of each other at most.
    func make(_ kind: Kind, _ depth: Int, _ random: inout SeededRandom) -> String {
        guard depth > 0, random.chance(80) else {
            return random.chance(85) ? field(kind, &random) ?? literal(kind, &random) : literal(kind, &random)
        }
        switch kind {
        case .integer: return integer(depth - 1, &random)
        case .decimal: return decimal(depth - 1, &random)
        case .double: return double(depth - 1, &random)
        case .text: return text(depth - 1, &random)
        case .boolean: return boolean(depth - 1, &random)
        case .timestamp: return timestamp(depth - 1, &random)
        }
    }

    private func literal(_ kind: Kind, _ random: inout SeededRandom) -> String {
        switch kind {
        case .integer: "\(random.below(30) - 5)"
        case .decimal: random.pick(["1.5", "0.25", "-3.75", "10.00", "0.1"])
        case .double: random.pick(["1.5e0", "-2e1", "0.1e0", "3e-1"])
        case .text: random.pick(["'a'", "'b'", "''", "'ab'", "'it''s'", "'ö'", "'/'", "'12'"])
        case .boolean: random.pick(["true", "false"])
        case .timestamp: random.pick(["timestamp '2026-03-29T01:30:00Z'", "timestamp '1970-01-01'"])
        }
    }

    private func choice(_ kind: Kind, _ depth: Int, _ random: inout SeededRandom) -> String {
        let (a, b) = (make(kind, depth, &random), make(kind, depth, &random))
        let condition = make(.boolean, depth, &random)
        return random.pick([
            "case when \(condition) then \(a) else \(b) end", "coalesce(\(a), \(b))", "if(\(condition), \(a), \(b))",
            "nullif(\(a), \(b))", "case when \(condition) then \(a) end",
        ])
    }

    private func number(_ kind: Kind, _ depth: Int, _ random: inout SeededRandom) -> String? {
        let (a, b) = (make(kind, depth, &random), make(kind, depth, &random))
        return random.pick([
            "(\(a)) + (\(b))", "(\(a)) - (\(b))", "-(\(a))", "abs(\(a))", "greatest(\(a), \(b))", "least(\(a), \(b))",
            nil, nil, nil,
        ])
    }

    private func integer(_ depth: Int, _ random: inout SeededRandom) -> String {
        if random.chance(25) { return choice(.integer, depth, &random) }
        if random.chance(40), let plain = number(.integer, depth, &random) { return plain }
        let (a, b) = (make(.integer, depth, &random), make(.integer, depth, &random))
        let (t, u) = (make(.text, depth, &random), make(.text, depth, &random))
        return random.pick([
            "(\(a)) * \(random.below(9) - 4)", "(\(a)) / (\(b))", "(\(a)) % (\(b))", "mod(\(a), \(b))",
            "div(\(a), \(b))",
            "length(\(t))", "octet_length(\(t))", "strpos(\(t), \(u))", "ascii(\(t))",
            "(\(make(.boolean, depth, &random)))::integer", "\(field(.text, &random) ?? "k")::integer", "sign(\(a))",
            "gcd(\(a), 12)",
            "extract(\(random.pick(["hour", "dow", "isodow", "week", "day", "year"])) from "
                + "\(make(.timestamp, depth, &random)))",
            "round(\(a), -1)", "(\(make(.decimal, depth, &random)))::integer", "regexp_count(\(t), '[a-z]')",
        ])
    }

    private func decimal(_ depth: Int, _ random: inout SeededRandom) -> String {
        if random.chance(20) { return choice(.decimal, depth, &random) }
        if random.chance(40), let plain = number(.decimal, depth, &random) { return plain }
        let (a, b) = (make(.decimal, depth, &random), make(.integer, depth, &random))
        return random.pick([
            "(\(a)) + (\(b))", "(\(a)) * 1.5", "(\(a)) % 2.5", "round(\(a), 1)", "trunc(\(a), 1)", "floor(\(a))",
            "(\(a)) * 98765.25 * 12345.5 * 77777.75", "(\(a)) - 9223372036854775.5",
            "ceil(\(a))", "(\(b))::decimal(2)", "(\(a))::decimal(1)", "mod(\(a), 3)",
            "\(field(.text, &random) ?? "k")::decimal(2)",
        ])
    }

    private func double(_ depth: Int, _ random: inout SeededRandom) -> String {
        if random.chance(20) { return choice(.double, depth, &random) }
        if random.chance(40), let plain = number(.double, depth, &random) { return plain }
        let (a, b) = (make(.double, depth, &random), make(.decimal, depth, &random))
        return random.pick([
            "(\(a)) * 0.5e0", "(\(a)) / (\(make(.double, depth, &random)))",
            "(\(b)) / (\(make(.integer, depth, &random)))",
            "(\(b)) / (\(make(.decimal, depth, &random)))", "sqrt(\(a))", "floor(\(a))", "round(\(a))",
            "(\(b))::double",
            "(\(a)) + (\(make(.integer, depth, &random)))", "\(field(.text, &random) ?? "k")::double",
        ])
    }

    private func text(_ depth: Int, _ random: inout SeededRandom) -> String {
        if random.chance(20) { return choice(.text, depth, &random) }
        let (a, b) = (make(.text, depth, &random), make(.text, depth, &random))
        return random.pick([
            "lower(\(a))", "upper(\(a))", "initcap(\(a))", "concat(\(a), '-', \(b))", "left(\(a), 2)",
            "right(\(a), -1)",
            "substr(\(a), 2)", "substring(\(a), 2, 3)", "split_part(\(a), '/', 2)", "replace(\(a), 'a', 'xy')",
            "reverse(\(a))", "lpad(\(a), 5, '*')", "btrim(\(a), 'ab ')", "translate(\(a), 'ab', 'x')", "md5(\(a))",
            "sha256(\(a))", "(\(make(.integer, depth, &random)))::text", "(\(make(.decimal, depth, &random)))::text",
            "(\(make(.boolean, depth, &random)))::text", "(\(make(.timestamp, depth, &random)))::text",
            "to_char(\(make(.timestamp, depth, &random)), 'YYYY-MM-DD HH24:MI')",
            "regexp_replace(\(a), '[0-9]+', '#', 'g')",
            "greatest(\(a), \(b))", "concat(\(make(.decimal, depth, &random)), \(a))", "repeat(\(a), 2)",
            "regexp_substr(\(a), '[a-z]+')",
            "json_extract_path_text(concat('{\"a\":[', coalesce(\(make(.integer, depth, &random)), 0), ',\"\\u00e4\"]}'), 'a', "
                + "'\(random.pick(["0", "1", "-1", "2", "x"]))')",
        ])
    }

    private func boolean(_ depth: Int, _ random: inout SeededRandom) -> String {
        let kind = random.pick(Kind.allCases)
        let (a, b) = (make(kind, depth, &random), make(kind, depth, &random))
        let (p, q) = (make(.boolean, depth, &random), make(.boolean, depth, &random))
        let (t, i) = (make(.text, depth, &random), make(.integer, depth, &random))
        let order = kind == .boolean ? ["=", "<>"] : ["=", "<>", "<", "<=", ">", ">="]
        return random.pick([
            "(\(a)) \(random.pick(order)) (\(b))", "(\(a)) \(random.pick(order)) (\(b))", "(\(a)) is null",
            "(\(a)) is not null", "(\(a)) is distinct from (\(b))", "(\(p)) and (\(q))", "(\(p)) or (\(q))",
            "not (\(p))",
            "(\(i)) in (1, 2, 3, 5, 8)", "(\(t)) not in ('a', 'b', '')", "(\(i)) between 3 and 20",
            "(\(t)) like '%a%'", "(\(t)) ilike 'B%'", "(\(t)) not like 'a_'", "starts_with(\(t), 'a')",
            "contains(\(t), 'b')", "ends_with(\(t), '1')", "(\(t)) ~ '^[a-c]+$'",
            "(\(make(.decimal, depth, &random))) < (\(i))",
        ])
    }

    private func timestamp(_ depth: Int, _ random: inout SeededRandom) -> String {
        if random.chance(20) { return choice(.timestamp, depth, &random) }
        let a = make(.timestamp, depth, &random)
        return random.pick([
            "date_trunc('\(random.pick(["hour", "day", "week", "month", "quarter"]))', \(a))",
            "date_trunc('day', \(a), 'Europe/Berlin')", "(\(a)) + interval '1 day'", "(\(a)) - interval '90 minutes'",
            "(\(a)) + interval '1 month'", "date_bin(interval '15 minutes', \(a), timestamp '2026-01-01')",
            "(\(a)) at time zone 'UTC' at time zone 'America/New_York'",
        ])
    }
}
