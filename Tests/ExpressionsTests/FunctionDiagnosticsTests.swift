import Declaration
import Testing

@testable import Dataflow
@testable import Expressions

/// Mistakes in functions and in the forms that came with them: the place of the innermost culprit, and the way out.
@Suite struct FunctionDiagnosticsTests {
    private let start = SourceLocation(file: "t", line: 1, column: 1)
    private let schema = RecordSchema(
        fields: [
            .init(name: "event", type: .text, column: 0), .init(name: "price", type: .decimal(scale: 2), column: 1),
            .init(name: "level", type: .integer, column: 2), .init(name: "paying", type: .boolean, column: 3),
            .init(name: "ts", type: .timestamp, column: 4), .init(name: "ratio", type: .double, column: 5),
        ], eventTimeColumn: nil)

    private func problems(_ text: String) -> [String] {
        do throws(Diagnostics) {
            return try Expression.parse(text, at: start).check(against: schema).warnings.all.map(\.description)
        } catch {
            return error.all.map(\.description)
        }
    }

    @Test(arguments: [
        (
            "event || 'x' || 'y'",
            [
                "t:1:7: error[wrong-type]: '||' joins conditions here, found texts; write concat(event, 'x', 'y') to join texts"
            ]
        ),
        (
            "paying || level > 1",
            [
                "t:1:8: warning[ambiguous-operator]: '||' joins texts in SQL and conditions elsewhere, found it between conditions, expected or; write or; to join texts, concat(a, b)"
            ]
        ),
        ("paying or level > 1", []),
        (
            "regexp_like(event, 'a(b')",
            ["t:1:21: error[bad-pattern]: a regular expression is not well formed: missing ): a(b"]
        ),
        (
            "regexp_like(event, 'x(?=y)')",
            [
                "t:1:22: error[bad-pattern]: a regular expression is not well formed: invalid perl operator: (?=; there is no lookaround; match more, and take a group with regexp_substr"
            ]
        ),
        (
            "regexp_replace(event, event, '')",
            [
                "t:1:23: error[wrong-arguments]: regexp_replace needs a fixed pattern, found a value that changes with the record, expected the same for all records"
            ]
        ),
        (
            "regexp_like(event, 'a', 'q')",
            ["t:1:25: error[bad-pattern]: there is no such flag, found 'q', expected i, c, n, s"]
        ),
        (
            "event like 'a\\'",
            [
                "t:1:14: error[bad-pattern]: a pattern ends with its escape, expected a character behind it; double it to match it"
            ]
        ),
        (
            "level like 'a%'",
            [
                "t:1:1: error[wrong-type]: like needs a value of another type, found integer, expected text in t like pattern [escape c]; cast it: field::text"
            ]
        ),
        (
            "date_trunc('fortnight', ts)",
            [
                "t:1:12: error[unknown-unit]: there is no such unit of time, found 'fortnight', expected one of microseconds, milliseconds, second, minute, hour, day, week, month, quarter, year, decade, century, millennium"
            ]
        ),
        (
            "ts at time zone 'Europe/Berln'",
            [
                "t:1:17: error[unknown-zone]: there is no time zone of this name, found 'Europe/Berln', expected one such as Europe/Berlin; did you mean 'Europe/Berlin'?"
            ]
        ),
        (
            "extract(hour from ts at time zone '+02:00')",
            [
                "t:1:35: error[unknown-zone]: there is no time zone of this name, found '+02:00', expected one such as Europe/Berlin; a zone has a name; add an offset as an interval: field + interval '2 hours'"
            ]
        ),
        (
            "ts at time zone 'Europe/Berlin'",
            [
                "t:1:1: error[wrong-type]: the expression has no type that a record can hold, found local timestamp, expected another; write at time zone behind it, or to_char(field, 'YYYY-MM-DD')"
            ]
        ),
        (
            "ts - ts > 5",
            [
                "t:1:4: error[wrong-type]: '-' cannot be used so, found timestamp and timestamp, expected a timestamp and an interval; write seconds_between(start, end)"
            ]
        ),
        (
            "ts + 86400",
            [
                "t:1:4: error[wrong-type]: '+' cannot be used so, found timestamp and integer, expected a timestamp and an interval; write interval '86400 seconds'"
            ]
        ),
        (
            "ts + interval '1 fortnight'",
            [
                "t:1:15: error[bad-interval]: an interval is not well formed, expected amounts with their units; for example interval '1 day' or interval '2 hours 30 minutes'"
            ]
        ),
        (
            "event::int64",
            [
                "t:1:8: error[unknown-type]: there is no type of this name, found 'int64', expected integer, decimal(n), double, text, boolean or timestamp; write integer"
            ]
        ),
        (
            "event::json",
            [
                "t:1:8: error[unknown-type]: there is no type of this name, found 'json', expected integer, decimal(n), double, text, boolean or timestamp; write json_extract_path_text(field, 'key')"
            ]
        ),
        (
            "json_extract_path_text(event)",
            [
                "t:1:1: error[wrong-arguments]: json_extract_path_text has the wrong number of arguments, found 1, expected json_extract_path_text(t, key, …)"
            ]
        ),
        (
            "JSON_VALUE(event, '$.a')",
            [
                "t:1:1: error[unknown-function]: there is no function of this name, found 'JSON_VALUE', expected one of docs/functions.md; where JSON stands in a text, write json_extract_path_text(t, 'key'); what is nested in the document is a field with a path"
            ]
        ),
        (
            "cardinality(event) > 1",
            [
                "t:1:1: error[unknown-function]: there is no function of this name, found 'cardinality', expected one of docs/functions.md; where JSON stands in a text, write json_array_length(t)"
            ]
        ),
        (
            "event->>'a'",
            [
                "t:1:6: error[expression-syntax]: there is no operator '->' here, expected a function; what is nested in the document is a field with a path where records are parsed; where JSON stands in a text, write json_extract_path_text(field, 'key')"
            ]
        ),
        (
            "event.a = 'x'",
            [
                "t:1:6: error[expression-syntax]: a character has no meaning here, found '.', expected an operator; what is nested in the document is a field with a path where records are parsed; where JSON stands in a text, write json_extract_path_text(field, 'key')"
            ]
        ),
        (
            "event[0] = 'x'",
            [
                "t:1:6: error[expression-syntax]: the expression does not end here, found '[', expected an operator; an element of JSON in a text is json_extract_path_text(field, '0')"
            ]
        ),
        (
            "event::decimal",
            ["t:1:8: error[unknown-type]: a decimal needs its digits after the point, found none; write decimal(2)"]
        ),
        ("'abc'::integer", ["t:1:1: error[failed-cast]: a cast always fails, found a text that is no integer"]),
        (
            "level::timestamp",
            [
                "t:1:6: error[wrong-type]: there is no cast from integer to timestamp; write to_timestamp(field) for seconds since 1970"
            ]
        ),
        (
            "case when level then 1 end",
            [
                "t:1:11: error[wrong-type]: 'when' joins conditions, found a value of type integer, expected boolean; compare it with something, or test: is not null"
            ]
        ),
        (
            "case when paying then 1 else 'x' end",
            ["t:1:30: error[wrong-type]: case needs values of one type, found text, expected integer"]
        ),
        (
            "case when paying then 1",
            [
                "t:1:24: error[expression-syntax]: the expression is not well formed, found the end, expected 'when', 'else', 'end' or an operator"
            ]
        ),
        (
            "level between 1, 5",
            [
                "t:1:16: error[expression-syntax]: the expression is not well formed, found ',', expected and; for example level between 1 and 5"
            ]
        ),
        (
            "ifnull(event, 'x')",
            [
                "t:1:1: error[unknown-function]: there is no function of this name, found 'ifnull', expected one of docs/functions.md; write coalesce(a, b)"
            ]
        ),
        (
            "round(ratio, 2)",
            [
                "t:1:7: error[wrong-type]: round needs a value of another type, found double, expected number in round(x) or round(x, n)"
            ]
        ),
        (
            "split_part(event, '/', '2')",
            [
                "t:1:24: error[wrong-type]: split_part needs a value of another type, found text, expected integer in split_part(t, separator, n); cast it: field::integer"
            ]
        ),
        (
            "to_char(ts, 'YYYY-MM-DDTHH24')",
            [
                "t:1:24: error[bad-pattern]: a letter of a pattern has no meaning, found 'T', expected one of docs/functions.md; put texts in double quotes: 'YYYY\"T\"HH24'"
            ]
        ),
        (
            "pseudonym(event, '')",
            [
                "t:1:18: error[wrong-arguments]: pseudonym needs a key, found none, expected a text; write pseudonym(user, '${USER_KEY}')"
            ]
        ),
        (
            "event + event",
            [
                "t:1:7: error[wrong-type]: '+' needs numbers, found two texts, expected integer, decimal or double; write concat(a, b) to join texts"
            ]
        ),
        (
            "substring(event, 1, -1)",
            [
                "t:1:21: error[wrong-arguments]: substring needs a count, found -1, expected a whole number, 0 or more"
            ]
        ),
        (
            "now() > ts",
            [
                "t:1:1: error[unknown-function]: there is no function of this name, found 'now', expected one of docs/functions.md; results depend on records alone, so that they can be computed again; use a field with a time"
            ]
        ),
    ])
    func mistakesAreExplained(text: String, expected: [String]) {
        #expect(problems(text) == expected, "\(text)")
    }

    @Test func fieldsMayBeCalledAsWordsOfForms() throws {
        let schema = RecordSchema(
            fields: ["case", "end", "then", "at", "zone", "like", "between", "interval", "cast"].enumerated().map {
                .init(name: $1, type: .integer, column: $0)
            }, eventTimeColumn: nil)
        for text in [
            "end > 1 and case = 2", "case is null", "at + zone > 1", "interval > 1 or cast < 2", "like between 1 and 2",
            "case when end > then then zone else at end > 0", "like in (1, 2)", "between <> 3",
        ] {
            #expect(throws: Never.self, "\(text)") {
                try Expression.parse(text, at: start).checkCondition(against: schema)
            }
        }
    }

    @Test(arguments: [
        ("event = 'a' and level <> 1", "event == 'a' && level != 1"),
        ("level between 1 and 5", "level >= 1 and level <= 5"),
        ("level not between 1 and 5", "not (level >= 1 and level <= 5)"),
        (
            "case level when 1 then 'a' when 2 then 'b' end = 'a'",
            "case when level = 1 then 'a' when level == 2 then 'b' end = 'a'"
        ),
        ("abs(level) between 1 and 5 and paying", "paying and abs(level) <= 5 and abs(level) >= 1"),
        ("cast(level as double) > 1", "level::float8 > 1"), ("try_cast(event as integer) = 1", "event::int = 1"),
        ("if(paying, 1, 2) = 1", "case when paying then 1 else 2 end = 1"),
        ("extract(hour from ts) = 1", "extract('hour', ts) = 1"),
        ("position('a' in event) = 1", "strpos(event, 'a') = 1"),
        ("not (event is distinct from 'a')", "event is not distinct from 'a'"),
    ])
    func whatMeansTheSameReadsTheSame(first: String, second: String) throws {
        let texts = try [first, second].map { try Expression.parse($0, at: start).canonicalText }
        #expect(texts[0] == texts[1])
    }
}
