import SummariesTesting
import Testing

@testable import Summaries

/// Metrics that are computed once for all who want them.
@Suite struct SharedConditionTests {
    @Test func conditionsAreToldApartByTheirBytes() throws {
        func metric(_ text: String?) throws -> MetricPlan {
            try SummaryRecord.metric("n", "count()", where: text.map { "country = '\($0)'" })
        }
        // One letter, and a letter and an accent: one text to Swift, two to the engine and to Postgres.
        let (composed, decomposed) = ("\u{e9}", "e\u{301}")
        #expect(composed == decomposed)
        #expect(try !metric(composed).computesSame(as: metric(decomposed)))
        #expect(try metric(composed).computesSame(as: metric(composed)))
        #expect(try !metric(composed).computesSame(as: metric(nil)))
        #expect(try metric(nil).computesSame(as: metric(nil)))
    }
}
