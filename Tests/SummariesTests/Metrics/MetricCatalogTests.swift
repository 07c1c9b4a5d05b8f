import SummariesTesting
import Testing

@testable import Declaration
@testable import Summaries

@Suite struct MetricCatalogTests {
    /// What a table remembers of each metric: another text, and every table of an earlier version would be refused.
    @Test(arguments: [
        ("count()", "count()"), ("sum(level)", "sum(level integer)"), ("avg(price)", "avg(price decimal(2))"),
        ("min(time)", "min(time timestamp)"), ("max(ratio)", "max(ratio double)"),
        ("uniques(country, precision: compact)", "uniques(country text, compact)"),
        ("percentiles(ratio, 5)", "percentiles(ratio double)"), ("count(level)", "count(level integer)"),
        ("first(user)", "first(user text)"), ("last(paid)", "last(paid boolean)"),
        ("share_below(price, 2.50)", "share_below(price decimal(2), 2.5)"), ("top(user, 7)", "top(user text)"),
    ])
    func definitionsStayAsTheyAre(call: String, definition: String) throws {
        #expect(try SummaryRecord.metric("m", call).canonicalCall(separator: " ") == definition)
    }

    /// The column and its role, by metric: what tables of earlier versions have.
    @Test(arguments: [
        ("count()", "m integer total not null"), ("sum(level)", "m decimal total"),
        ("sum(ratio)", "m decimal total, m_exact bytes state later"),
        ("avg(price)", "m double shown, m_sum decimal state, m_count integer state not null"),
        (
            "avg(ratio)",
            "m double shown, m_sum decimal state, m_count integer state not null, m_exact bytes state later"
        ),
        ("min(price)", "m decimal total"), ("max(ratio)", "m double total"), ("min(time)", "m timestamp total"),
        ("max(level)", "m integer total"),
        (
            "uniques(user)",
            "m integer shown not null, m_sketch bytes state not null, m_values integer state later"
        ),
        ("count(level)", "m integer total not null"),
        ("first(user)", "m text total, m_time timestamp state, m_place bytes state"),
        ("last(paid)", "m boolean total, m_time timestamp state, m_place bytes state"),
        (
            "share_below(level, 3)",
            "m double shown, m_below integer state not null, m_values integer state not null"
        ),
        ("top(user, 7)", "m json shown not null, m_sketch bytes state not null"),
        ("percentiles(level, 50)", "m_p50 double shown, m_sketch bytes state not null"),
    ])
    func columnsStayAsTheyAre(call: String, expected: String) throws {
        let columns = try SummaryRecord.metric("m", call).columns.map {
            "\($0.name) \($0.kind) \($0.role)" + ($0.isNullable ? "" : " not null") + ($0.isAddedLater ? " later" : "")
        }
        #expect(columns.joined(separator: ", ") == expected)
    }

    @Test func namesOfOtherLanguagesLeadToTheMetric() {
        for type in MetricCatalog.all.types {
            for (name, advice) in type.spec.otherNames {
                let hint = Self.problem("\(name.uppercased())(level)")?.hint
                #expect(hint == "did you mean '\(advice)'?", "\(name)")
            }
        }
        #expect(Self.problem("median(level)")?.hint == "did you mean 'percentiles(f, 50)'?")
        #expect(Self.problem("cuont()")?.hint == "did you mean 'count'?")
        #expect(Self.problem("elephants()")?.hint == nil)
    }

    @Test func everyNameIsOneMetrics() {
        let names = MetricCatalog.all.types.flatMap { [$0.spec.name] + Array($0.spec.otherNames.keys) }
        #expect(Set(names).count == names.count)
        for type in MetricCatalog.all.types {
            #expect(type.spec.signature.hasPrefix(type.spec.name + "("))
            #expect(MetricCatalog.all.reference.contains("`\(type.spec.signature)`, \(type.spec.summary)"))
        }
    }

    private static func problem(_ call: String) -> Diagnostic? {
        do {
            _ = try SummaryRecord.metric("m", call)
        } catch let problems as Diagnostics {
            return problems.all.first
        } catch {
            Issue.record("\(error)")
        }
        return nil
    }
}
