import Dataflow
import Platform

/// What is compared, by family.
enum OracleCases {
    private static let count = OracleInput.integer(-12...12)

    static let texts: [OracleCase] = [
        OracleCase("lower(a)", sql: "lower(a collate \"C\")", .text),
        OracleCase("upper(a)", sql: "upper(a collate \"C\")", .text),
        OracleCase("initcap(a)", sql: "initcap(a collate \"C\")", .text),
        OracleCase("length(a)", .text), OracleCase("char_length(a)", .text), OracleCase("octet_length(a)", .text),
        OracleCase("bit_length(a)", .text), OracleCase("reverse(a)", .text), OracleCase("ascii(a)", .text),
        OracleCase("chr(a)", sql: "chr(a::int)", .integer(-5...1_200_000)),
        OracleCase("to_hex(a)", .integer),
        OracleCase("repeat(a, b)", sql: "repeat(a, b::int)", .text, count),
        OracleCase("concat(a, b, c)", .text, .integer, .decimal(3)),
        OracleCase("concat(a, b)", .double, .text),
        OracleCase("concat_ws('-', a, b, c)", .short, .text, .integer),
        OracleCase("lpad(a, b)", sql: "lpad(a, b::int)", .text, count),
        OracleCase("lpad(a, b, c)", sql: "lpad(a, b::int, c)", .text, count, .short),
        OracleCase("rpad(a, b)", sql: "rpad(a, b::int)", .text, count),
        OracleCase("rpad(a, b, c)", sql: "rpad(a, b::int, c)", .text, count, .short),
        OracleCase("substring(a, b)", sql: "substring(a, b::int)", .text, count),
        OracleCase("substring(a, b, c)", sql: "substring(a, b::int, c::int)", .text, count, count),
        OracleCase("substr(a, b, c)", sql: "substr(a, b::int, c::int)", .text, count, count),
        OracleCase("left(a, b)", sql: "left(a, b::int)", .text, count),
        OracleCase("right(a, b)", sql: "right(a, b::int)", .text, count),
        OracleCase("btrim(a)", .text), OracleCase("ltrim(a)", .text), OracleCase("rtrim(a)", .text),
        OracleCase("btrim(a, b)", .repetitive, .short), OracleCase("ltrim(a, b)", .repetitive, .short),
        OracleCase("rtrim(a, b)", .repetitive, .short), OracleCase("trim(both b from a)", .repetitive, .short),
        OracleCase("split_part(a, b, c)", sql: "split_part(a, b, c::int)", .repetitive, .short, .integer(-5...5)),
        OracleCase("starts_with(a, b)", .repetitive, .short),
        OracleCase("ends_with(a, b)", sql: "right(a, length(b)) = b", .repetitive, .short),
        OracleCase("contains(a, b)", sql: "strpos(a, b) > 0", .repetitive, .short),
        OracleCase("strpos(a, b)", .repetitive, .short), OracleCase("position(b in a)", .repetitive, .short),
        OracleCase("replace(a, b, c)", .repetitive, .short, .short),
        OracleCase("translate(a, b, c)", .repetitive, .short, .short),
    ]

    static let choices: [OracleCase] = [
        OracleCase("coalesce(a, b, 'x')", .text, .text), OracleCase("coalesce(a, b)", .integer, .integer),
        OracleCase("coalesce(a, b)", .boolean, .boolean), OracleCase("nullif(a, b)", .short, .short),
        OracleCase("nullif(a, b)", .integer(0...3), .integer(0...3)), OracleCase("nullif(a, b)", .boolean, .boolean),
        OracleCase("greatest(a, b, c)", .integer, .integer, .integer),
        OracleCase("least(a, b, c)", .text, .text, .short),
        OracleCase("greatest(a, b)", .text, .short), OracleCase("least(a, b)", .double, .double),
        OracleCase("greatest(a, b)", .decimal(2), .decimal(2)), OracleCase("least(a, b)", .timestamp, .timestamp),
        OracleCase(
            "case when a > b then 'more' when a < b then 'less' else 'same' end", .integer(0...4), .integer(0...4)),
        OracleCase("case a when 1 then 'one' when 2 then b end", .integer(0...4), .text),
        OracleCase("if(a, b, c)", sql: "case when a then b else c end", .boolean, .text, .short),
        OracleCase("if(a, b, c)", sql: "case when a then b else c end", .boolean, .double, .double),
        OracleCase("a is distinct from b", .short, .short),
        OracleCase("a is not distinct from b", .integer(0...2), .integer(0...2)),
        OracleCase("a is distinct from b", .boolean, .boolean), OracleCase("a is null or b", .text, .boolean),
        OracleCase("a between b and c", .integer(0...9), .integer(0...9), .integer(0...9)),
        OracleCase("a not between b and c", .double, .double, .double),
        OracleCase("a in ('a', 'b', 'ab', '')", .short), OracleCase("a not in (1, 2, 3)", .integer(0...4)),
        OracleCase("a = b", .short, .short), OracleCase("a <> b", .decimal(2), .decimal(2)),
        OracleCase("a < b", .text, .text), OracleCase("a >= b", .double, .double),
        OracleCase("not (a and b)", .boolean, .boolean),
        OracleCase("a and b or c", .boolean, .boolean, .boolean),
    ]

    static let numbers: [OracleCase] = [
        OracleCase("a + b", .integer, .integer), OracleCase("a - b", .integer, .integer),
        OracleCase("a * b", .integer, .integer), OracleCase("a / b", .integer, .integer),
        OracleCase("a % b", .integer, .integer), OracleCase("-a", .integer), OracleCase("a + b", .double, .double),
        OracleCase("a * b + 0.5e0", sql: "a * b + 0.5::float8", .double(-1e9...1e9), .double(-1e9...1e9)),
        OracleCase("a + b", .decimal(2), small(2)), OracleCase("a * b", small(2), small(3)),
        OracleCase("a % b", small(2), small(2)),
        OracleCase("abs(a)", .integer), OracleCase("abs(a)", .double), OracleCase("abs(a)", .decimal(4)),
        OracleCase("sign(a)", .integer), OracleCase("sign(a)", .double), OracleCase("sign(a)", .decimal(2)),
        OracleCase("mod(a, b)", .integer, .integer), OracleCase("mod(a, b)", small(2), small(2)),
        OracleCase("div(a, b)", sql: "div(a, b)::bigint", .integer, .integer),
        OracleCase("div(a, b)", small(2), small(3)),
        OracleCase("gcd(a, b)", .integer, .integer), OracleCase("lcm(a, b)", .integer, .integer),
        OracleCase("round(a)", .decimal(3)), OracleCase("round(a)", .double), OracleCase("round(a, 2)", .decimal(5)),
        OracleCase("round(a, -2)", .decimal(1)), OracleCase("round(a, 4)", small(2)),
        OracleCase("trunc(a)", .decimal(3)),
        OracleCase("trunc(a)", .double), OracleCase("trunc(a, 1)", .decimal(3)), OracleCase("floor(a)", .decimal(3)),
        OracleCase("floor(a)", sql: "floor(a::numeric)", .integer), OracleCase("floor(a)", .double),
        OracleCase("ceil(a)", .decimal(3)), OracleCase("ceil(a)", .double), OracleCase("ceiling(a)", .double),
        OracleCase("power(a, b)", .double, .double(-20...20)),
        OracleCase("power(a, b)", .integer(-9...9), .integer(-9...40)),
        OracleCase("sqrt(a)", .double), OracleCase("cbrt(a)", .double), OracleCase("exp(a)", .double),
        OracleCase("ln(a)", .double), OracleCase("log(a)", .double), OracleCase("log10(a)", .double),
        OracleCase("degrees(a)", .double), OracleCase("radians(a)", .double),
        OracleCase(
            "width_bucket(a, b, c, d)", sql: "width_bucket(a, b, c, d::int)", .double(-9...9), .double(-5...5),
            .double(-5...5), .integer(-1...9)),
    ]

    /// Decimals whose products fit.
    private static func small(_ scale: Int) -> OracleInput {
        OracleInput(type: .decimal(scale: scale)) { .integer(Int64($0.below(20_001)) - 10_000) }
    }

    static let casts: [OracleCase] = [
        OracleCase("a::integer", sql: "a::bigint", .numeral),
        OracleCase("try_cast(a as decimal(2))", sql: "pg_temp.fit(a::numeric(60, 2), 2)", .numeral),
        OracleCase("a::decimal(6)", sql: "pg_temp.fit(a::numeric(60, 6), 6)", .numeral),
        OracleCase("cast(a as double)", sql: "a::double precision", .numeral),
        OracleCase(
            "a::boolean",
            .texts([
                "t", "TRUE", "yes", "no", "on", "off", "of", "o", "1", "0", " f ", "x", "", "tru", "fals", "truee", "N",
            ])),
        OracleCase("a::text", .integer), OracleCase("a::text", .double), OracleCase("a::text", .decimal(5)),
        OracleCase("a::text", .timestamp), OracleCase("a::text", .boolean),
        OracleCase("a::integer", sql: "a::bigint", .double),
        OracleCase("a::integer", sql: "a::bigint", .decimal(3)),
        OracleCase("a::boolean", sql: "a::int::boolean", .integer(-2...2)),
        OracleCase("a::integer", sql: "a::int", .boolean),
        OracleCase("a::decimal(2)", sql: "pg_temp.fit(a::numeric(60, 2), 2)", .double),
        OracleCase("a::decimal(9)", sql: "pg_temp.fit(a::numeric(60, 9), 9)", .double(-1e6...1e6)),
        OracleCase("a::decimal(1)", sql: "a::numeric(60, 1)", .decimal(4)),
        OracleCase("a::double", sql: "a::double precision", .decimal(2)),
        OracleCase("a::double", sql: "a::double precision", .integer),
        OracleCase(
            "a::timestamp", sql: "a::timestamptz",
            .texts([
                "2026-01-31", "2026-02-30", "2026-01-31 12:34", "2026-01-31T12:34:56.789", "2026-01-31T12:34:56Z",
                "2026-01-31 12:34:56.1234567+02", "2026-01-31 12:34:56.9999995-05:30", "2026-01-31T24:00:00",
                "2026-01-31 12:60:00",
                "2026-01-31 23:59:60", " 2026-12-31 ", "1900-02-28 00:00:00.000001", "9999-12-31T23:59:59Z",
                "0001-01-01T00:00:00Z",
            ])),
    ]

    static let patterns: [OracleCase] = [
        OracleCase("a like b", .repetitive, .pattern), OracleCase("a not like b", .text, .pattern),
        OracleCase("a ilike b", sql: "a collate \"C\" ilike b", .text, .pattern),
        OracleCase("a like 'a%'", .repetitive), OracleCase("a like '%b'", .repetitive),
        OracleCase("a like '%ab%'", .repetitive),
        OracleCase("a like '%'", .text), OracleCase("a like ''", .short), OracleCase("a like 'a'", .short),
        OracleCase("a like '_'", .short),
        OracleCase("a like '%a_b%'", .repetitive), OracleCase("a like '%/%-%'", .repetitive),
        OracleCase("a like 'a#%%' escape '#'", .texts(["a%", "a%b", "ab", "a#%"])),
        OracleCase("regexp_like(a, '^a+(b|ö)*')", .repetitive), OracleCase("a ~ '[ab]{3}'", .repetitive),
        OracleCase("a ~* 'AB.'", .repetitive), OracleCase("a !~ 'b$'", .repetitive),
        OracleCase("regexp_like(a, 'B', 'i')", .repetitive),
        OracleCase("regexp_count(a, 'ab')", .repetitive), OracleCase("regexp_count(a, 'a*')", .repetitive),
        OracleCase("regexp_substr(a, '[0-9]+')", .text), OracleCase("regexp_substr(a, '(a|ab)(b|/)?')", .repetitive),
        OracleCase("regexp_substr(a, '(a)(b)', 2, 1, '', 2)", .repetitive),
        OracleCase("regexp_substr(a, 'b', 1, 2)", .repetitive),
        OracleCase("regexp_instr(a, '[/-]')", .repetitive),
        OracleCase("regexp_replace(a, 'b+', '<\\&>')", .repetitive),
        OracleCase("regexp_replace(a, 'b*', 'X', 'g')", .repetitive),
        OracleCase("regexp_replace(a, '(a)(b)', '\\2\\1', 'g')", .repetitive),
        OracleCase("regexp_replace(a, '[^a-z]', '', 'g')", .text),
        OracleCase("regexp_replace(a, 'A', '\\\\', 'gi')", .repetitive),
    ]

    static let hashes: [OracleCase] = [
        OracleCase("md5(a)", .long),
        OracleCase("sha256(a)", sql: "encode(sha256(convert_to(a, 'UTF8')), 'hex')", .long),
        OracleCase("md5(a)", .short),
        OracleCase("sha256(a)", sql: "encode(sha256(convert_to(a, 'UTF8')), 'hex')", .short),
        OracleCase("pseudonym(a, 'key')", sql: hmac("key"), .text),
        OracleCase(
            "pseudonym(a, '\(String(repeating: "long key ", count: 12))')",
            sql: hmac(String(repeating: "long key ", count: 12)), .long),
    ]

    /// HMAC in SQL, after RFC 2104.
    private static func hmac(_ key: String) -> String {
        "pg_temp.hmac_sha256(convert_to(a, 'UTF8'), convert_to('\(key)', 'UTF8'))"
    }
}
