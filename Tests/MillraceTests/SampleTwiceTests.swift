import Declaration
import Testing

@testable import Millrace

/// A sample of a sample is chosen by the same hash, so it is not what its shares multiply to.
@Suite struct SampleTwiceTests {
    private static func warnings(_ first: String, _ second: String, between: String = "keep: [k, n]") -> [String] {
        let text = """
            topology: t
            nodes:
              events: { file: a.ndjson }
              records: { from: events, parse_json: { fields: { k: text, n: integer } } }
              some: { from: records, sample: \(first) }
              shaped: { from: some, \(between) }
              fewer: { from: shaped, sample: \(second) }
              kpi: { from: fewer, summarize: { metrics: { c: count() } } }
              show: { from: kpi, console: {} }

            """
        let found = TopologyLoader(environment: [:]).load(text: text, from: "t.yaml").diagnostics.all
        #expect(!found.contains { $0.severity == .error }, "\(found)")
        return found.filter { $0.code == "sample-twice" }.map(\.description)
    }

    @Test func whatIsLeftIsSaid() {
        #expect(
            Self.warnings("{ share: 10%, by: k }", "{ share: 50%, by: k }") == [
                "t.yaml:7:43: warning[sample-twice]: node fewer: the records are a sample of 10% by k already, made by some, and the "
                    + "same hash chooses again: all of them are in these 50%, and not 50% of 10%; write 5% in some and leave this "
                    + "one out"
            ])
        #expect(
            Self.warnings("10%", "1%") == [
                "t.yaml:7:34: warning[sample-twice]: node fewer: the records are a sample of 10% by their place already, made by "
                    + "some, and the same hash chooses again: what is left is 1% of all, and not 1% of 10%; write 0.1% in some and "
                    + "leave this one out, or read from in front of some"
            ])
    }

    @Test(arguments: [
        ("{ share: 10%, by: k }", "10%", "keep: [k, n]"),
        ("{ share: 10%, by: k }", "{ share: 10%, by: n }", "keep: [k, n]"),
        ("{ share: 10%, by: k }", "{ share: 10%, by: k }", "derive: { k: lower(k) }"),
    ])
    func otherValuesChooseOtherRecords(first: String, second: String, between: String) {
        #expect(Self.warnings(first, second, between: between).isEmpty)
    }

    @Test func aNewNameIsNoOtherValue() {
        #expect(
            Self.warnings("{ share: 10%, by: k }", "{ share: 10%, by: who }", between: "rename: { who: k }").count == 1)
    }
}
