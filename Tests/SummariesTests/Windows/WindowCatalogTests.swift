import SummariesTesting
import Testing

@testable import Declaration
@testable import Summaries

@Suite struct WindowCatalogTests {
    private static let place = SourceLocation(file: "t", line: 1, column: 1)

    private static func compile(_ fields: [(String, Duration)], _ catalog: WindowCatalog) -> (String?, [String]) {
        let entries = fields.map {
            ConfigEntry(key: $0.0, keyLocation: place, value: ConfigValue(.duration($0.1), at: place))
        }
        var problems = Diagnostics()
        let window = catalog.compile(
            ConfigValue(.map(entries), at: place), input: SummaryRecord.schema, &problems)
        return (window?.definition, problems.all.map(\.description))
    }

    /// Where a length is all that windows need, nothing else is taken for one.
    @Test func withoutOtherFieldsAWindowIsALength() {
        guard case .windowLength = WindowCatalog([Tumbling.self]).specType else {
            Issue.record("\(WindowCatalog([Tumbling.self]).specType)")
            return
        }
    }

    @Test func theFieldsOfAllTypesAreThoseOfTheSpec() {
        guard case .shorthandObject("size", let fields) = SummaryCatalog.withToys.windows.specType else {
            Issue.record("a map was expected")
            return
        }
        #expect(fields.map(\.name) == ["size", "every", "zone", "shift"])
    }

    @Test func theFieldsTellTheTypesApart() {
        let catalog = SummaryCatalog.withToys.windows
        #expect(Self.compile([("size", .seconds(60))], catalog) == ("1m", []))
        let shifted = Shifted(size: .seconds(3_600), shift: .seconds(420)).definition
        #expect(Self.compile([("size", .seconds(3_600)), ("shift", .seconds(420))], catalog) == (shifted, []))
        let hopping = Hopping(everySeconds: 60, count: 10).definition
        #expect(Self.compile([("every", .seconds(60)), ("size", .seconds(600))], catalog) == (hopping, []))
    }

    @Test func fieldsOfTwoTypesAreNoWindow() {
        let (window, problems) = Self.compile(
            [("size", .seconds(600)), ("shift", .seconds(1)), ("every", .seconds(60))], SummaryCatalog.withToys.windows)
        #expect(window == nil)
        #expect(
            problems == [
                "t:1:1: error[window-fields]: no window has size and shift and every, expected those of one of tumbling (size), "
                    + "hopping (size, every), calendar (size, zone), shifted (size, shift)"
            ])
    }
}
