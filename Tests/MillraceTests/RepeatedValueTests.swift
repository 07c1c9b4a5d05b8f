import Declaration
import Testing

@testable import Millrace

/// A value of a document whose elements are the records stands in all of them: what adds them up says so.
@Suite struct RepeatedValueTests {
    /// What is said of a metric; the records are elements with `sku`, `qty` and `weight` of documents with `total` and `who`.
    private static func warnings(_ metric: String, each: String = "each: items, ", between: String = "") -> [String] {
        let outside = each.isEmpty ? "" : "^."
        let text = """
            topology: t
            nodes:
              events: { file: a.ndjson }
              records:
                from: events
                parse_json:
                  { \(each)fields: { sku: text, qty: integer, weight: double, total: { path: \(outside)total, type: decimal(2) },
                    who: { path: \(outside)who, type: text } } }
              shaped: { from: records, \(between.isEmpty ? "keep: [sku, qty, weight, total, who]" : between) }
              kpi: { from: shaped, summarize: { by: [sku], metrics: { m: \(metric) } } }
              show: { from: kpi, console: {} }

            """
        let found = TopologyLoader(environment: [:]).load(text: text, from: "t.yaml").diagnostics.all
        #expect(!found.contains { $0.severity == .error }, "\(found)")
        return found.filter { $0.code == "repeated-value" }.map(\.description)
    }

    @Test func theWarningSaysWhatIsAddedUpAndWhatToDo() {
        #expect(
            Self.warnings("sum(total)") == [
                "t.yaml:10:66: warning[repeated-value]: total is of the document, whose elements are the records: sum(total) takes "
                    + "it once for each element, expected a field of the element; have a topology of its own without `each` take "
                    + "it, where each document is one record"
            ])
    }

    @Test(arguments: [
        "sum(total)", "avg(total)", "\"percentiles(total, 50)\"", "\"share_below(total, 5)\"",
        "{ metric: sum(total), where: who = 'a' }",
    ])
    func whatWeighsRecordsIsWarnedOf(metric: String) { #expect(Self.warnings(metric).count == 1) }

    @Test(arguments: [
        "sum(qty)", "avg(weight)", "uniques(total)", "min(total)", "max(total)", "count()", "\"top(who, 3)\"",
        // The condition may choose one element of each document.
        "{ metric: sum(total), where: sku = 'shipping' }",
    ])
    func whatElementsHaveIsNot(metric: String) { #expect(Self.warnings(metric).isEmpty) }

    @Test func documentsThatAreTheRecordsHaveTheirValuesOnce() {
        #expect(Self.warnings("sum(total)", each: "").isEmpty)
    }

    @Test(arguments: [
        ("derive: { cents: total * 100 }", "sum(cents)", 1), ("derive: { each_one: total * qty }", "sum(each_one)", 0),
        ("rename: { price: total }", "sum(price)", 1), ("derive: { two: \"2\" }", "sum(two)", 0),
        ("lookup: { file: a.csv, on: who, add: { discount: integer } }", "sum(discount)", 1),
        ("lookup: { file: a.csv, on: sku, add: { cost: integer } }", "sum(cost)", 0),
    ])
    func whatIsMadeOfItIsOfTheDocumentToo(between: String, metric: String, count: Int) {
        #expect(Self.warnings(metric, between: between).count == count)
    }
}
