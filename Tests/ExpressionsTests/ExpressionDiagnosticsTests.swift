import Declaration
import Testing

@testable import Dataflow
@testable import Expressions

@Suite struct ExpressionDiagnosticsTests {
    private let start = SourceLocation(file: "t", line: 7, column: 14)
    private let schema = RecordSchema(
        fields: [
            .init(name: "event", type: .text, column: 0), .init(name: "revenue", type: .decimal(scale: 2), column: 1),
            .init(name: "level", type: .integer, column: 2), .init(name: "paying", type: .boolean, column: 3),
            .init(name: "ts", type: .timestamp, column: 4),
        ], eventTimeColumn: nil)

    @Test(arguments: [
        (
            "",
            [
                "7:14: error[expression-syntax]: the expression is not well formed, found the end, expected a field, a value or '('"
            ]
        ),
        (
            "event == ",
            [
                "7:23: error[expression-syntax]: the expression is not well formed, found the end, expected a field, a value or '('"
            ]
        ),
        (
            "evnt == 'x'",
            [
                "7:14: error[unknown-field]: the records have no field 'evnt', expected one of event, revenue, level, paying, ts; did you mean 'event'?"
            ]
        ),
        (
            "event == purchase",
            [
                "7:23: error[unknown-field]: the records have no field 'purchase', expected one of event, revenue, level, paying, ts; a text stands in quotes: 'purchase'"
            ]
        ),
        (
            "event == 'x",
            [
                "7:23: error[expression-syntax]: a text has no end, found no closing '; double the quote to write it inside: ''"
            ]
        ),
        (
            "event == 5",
            [
                "7:20: error[wrong-type]: '==' compares values of one type, found text and integer; texts stand in quotes; or cast the field: field::integer"
            ]
        ),
        (
            "revenue > '5'",
            [
                "7:22: error[wrong-type]: '>' compares values of one type, found decimal(2) and text; numbers stand without quotes"
            ]
        ),
        (
            "ts > '2026-01-01'",
            [
                "7:17: error[wrong-type]: '>' compares values of one type, found timestamp and text; write timestamp '2026-01-31T12:00:00Z'"
            ]
        ),
        (
            "level == null",
            [
                "7:20: error[null-comparison]: a comparison with null is never true, found '== null'; write is null"
            ]
        ),
        (
            "level != null",
            [
                "7:20: error[null-comparison]: a comparison with null is never true, found '!= null'; write is not null"
            ]
        ),
        (
            "level in [1, null]",
            [
                "7:27: error[wrong-type]: an element of the list does not fit, found null, expected integer; null is never equal to anything; test it apart: is null"
            ]
        ),
        (
            "level in ['a', 2.5, level]",
            [
                "7:24: error[wrong-type]: an element of the list does not fit, found text, expected integer; numbers stand without quotes",
                "7:34: error[wrong-type]: an element of the list does not fit, found a value that changes with the record, expected integer; write it as = joined by or",
            ]
        ),
        (
            "level in []",
            [
                "7:20: error[wrong-type]: 'in' cannot be used so, found an empty list, expected a field and a list of values"
            ]
        ),
        (
            "lowr(event) == 'a'",
            [
                "7:14: error[unknown-function]: there is no function of this name, found 'lowr', expected one of docs/functions.md; did you mean 'lower'?"
            ]
        ),
        (
            "length(level, 2) > 1",
            [
                "7:14: error[wrong-arguments]: length has the wrong number of arguments, found 2, expected length(t)"
            ]
        ),
        (
            "starts_with(event, 5)",
            [
                "7:33: error[wrong-type]: starts_with needs a value of another type, found integer, expected text in starts_with(t, beginning); cast it: field::text"
            ]
        ),
        (
            "level",
            [
                "7:14: error[wrong-type]: the expression is not a condition, found integer, expected boolean; compare it with something"
            ]
        ),
        (
            "event && paying",
            [
                "7:14: error[wrong-type]: '&&' joins conditions, found a value of type text, expected boolean; compare it with something, or test: is not null"
            ]
        ),
        (
            "1 < level < 3",
            [
                "7:24: error[expression-syntax]: comparisons do not chain, found a second one: '<'; write a < b and b < c, or use parentheses"
            ]
        ),
        (
            "(level > 1",
            [
                "7:24: error[expression-syntax]: the expression is not well formed, found the end, expected ')' or an operator"
            ]
        ),
        (
            "level > 1)",
            [
                "7:23: error[expression-syntax]: the expression does not end here, found ')', expected an operator"
            ]
        ),
        (
            "level is 5",
            [
                "7:23: error[expression-syntax]: the expression is not well formed, found 5, expected null, not null or distinct from"
            ]
        ),
        (
            "level not 5",
            [
                "7:24: error[expression-syntax]: the expression is not well formed, found 5, expected in, like or between; 'not' stands before a condition: not (a = b)"
            ]
        ),
        (
            "event + 1 > level - event",
            [
                "7:14: error[wrong-type]: '+' needs numbers, found text, expected integer, decimal or double; declare the field as a number where records are parsed, or cast it: field::integer",
                "7:34: error[wrong-type]: '-' needs numbers, found text, expected integer, decimal or double; declare the field as a number where records are parsed, or cast it: field::integer",
            ]
        ),
        (
            "paying > true",
            [
                "7:21: error[wrong-type]: '>' needs an order, found boolean and boolean"
            ]
        ),
        (
            "not level == 1 and evnt",
            [
                "7:33: error[unknown-field]: the records have no field 'evnt', expected one of event, revenue, level, paying, ts; did you mean 'event'?"
            ]
        ),
        (
            "revenue * 0.12345678901234567 > 1",
            [
                "7:22: error[wrong-type]: the product has too many digits, found decimal(2) and decimal(17), expected at most 18 digits after the point; use a double for one of them, such as 1e0"
            ]
        ),
        (
            "substring(event, 1, -1) == 'a'",
            [
                "7:34: error[wrong-arguments]: substring needs a count, found -1, expected a whole number, 0 or more"
            ]
        ),
        (
            "coalesce(event, 1) == 'a'",
            [
                "7:30: error[wrong-type]: coalesce needs values of one type, found integer, expected text; texts stand in quotes"
            ]
        ),
        (
            "timestamp '2026-02-30' < ts",
            [
                "7:24: error[bad-timestamp]: a timestamp is not well formed, expected a date and time of RFC 3339; for example timestamp '2026-01-31T12:00:00Z'"
            ]
        ),
        (
            "level > 99999999999999999999",
            [
                "7:22: error[number-range]: a whole number is too large, expected at most 9223372036854775807; write 99999999999999999999.0 for a number that need not be exact"
            ]
        ),
        (
            "level > 1e999",
            [
                "7:22: error[number-range]: a number is too large, expected at most 1.8e308"
            ]
        ),
        (
            "12abc",
            [
                "7:14: error[expression-syntax]: a number is not well formed, found 'a' after its digits; put names that begin with a digit in backquotes"
            ]
        ),
        (
            "event @ 1",
            [
                "7:20: error[expression-syntax]: a character has no meaning here, found '@', expected an operator"
            ]
        ),
        (
            "paying & true",
            [
                "7:21: error[expression-syntax]: a character has no meaning here, found '&', expected an operator; write && or and"
            ]
        ),
        (
            "`my field` > 1",
            [
                "7:14: error[unknown-field]: the records have no field 'my field', expected one of event, revenue, level, paying, ts; a text stands in quotes: 'my field'"
            ]
        ),
        (
            "level > 1 &&\nevnt == 'x'",
            [
                "8:14: error[unknown-field]: the records have no field 'evnt', expected one of event, revenue, level, paying, ts; did you mean 'event'?"
            ]
        ),
    ])
    func aWrongConditionIsExplained(text: String, expected: [String]) {
        #expect(throws: Diagnostics.self) {
            do throws(Diagnostics) {
                _ = try Expression.parse(text, at: start).checkCondition(against: schema)
            } catch {
                #expect(error.all.map(\.description) == expected.map { "t:" + $0 }, "\(text)")
                throw error
            }
        }
    }

    @Test(arguments: [
        (
            "count",
            [
                "7:19: error[metric-syntax]: the metric is not well formed, found the end, expected '('; for example count()"
            ]
        ),
        (
            "count(",
            [
                "7:20: error[metric-syntax]: the metric is not well formed, found the end, expected a field, a number or an option; for example sum(revenue)"
            ]
        ),
        (
            "sum(revenue) x",
            [
                "7:27: error[metric-syntax]: the metric is not well formed, found 'x', expected the end"
            ]
        ),
        (
            "uniques(user, precision precise)",
            [
                "7:38: error[metric-syntax]: the metric is not well formed, found 'precise', expected ',' or ')'"
            ]
        ),
        (
            "uniques(user, precision: )",
            [
                "7:39: error[metric-syntax]: the metric is not well formed, found ')', expected a word, a number, true or false"
            ]
        ),
        (
            "uniques(precision: precise, user)",
            [
                "7:42: error[metric-syntax]: an argument stands after the option 'precision', found 'user'; options come last"
            ]
        ),
        (
            "sum('x')",
            [
                "7:18: error[metric-syntax]: the metric is not well formed, found a text, expected a field, a number or an option; for example sum(revenue)"
            ]
        ),
        (
            "p(a, -5, b: 1, b: 2)",
            [
                "7:29: error[metric-syntax]: the option 'b' stands twice"
            ]
        ),
        (
            "5",
            [
                "7:14: error[metric-syntax]: the metric is not well formed, found 5, expected a metric such as count()"
            ]
        ),
    ])
    func aWrongMetricIsExplained(text: String, expected: [String]) {
        #expect(throws: Diagnostics.self) {
            do throws(Diagnostics) {
                _ = try MetricCall.parse(text, at: start)
            } catch {
                #expect(error.all.map(\.description) == expected.map { "t:" + $0 }, "\(text)")
                throw error
            }
        }
    }

    @Test func textsOfAnExpressionAreNeverShown() {
        for text in [
            "level == 'canary-1f3a'", "'canary-1f3a' + 1 > 2", "event == 'canary-1f3a", "lower('canary-1f3a') > 1",
            "'canary-1f3a' 'x'", "event in ['canary-1f3a', 5]", "timestamp 'canary-1f3a' > ts",
        ] {
            do throws(Diagnostics) {
                _ = try Expression.parse(text, at: start).checkCondition(against: schema)
                Issue.record("\(text) has no error")
            } catch {
                #expect(!error.description.contains("canary"), "\(error)")
            }
        }
    }
}
