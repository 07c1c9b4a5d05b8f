import Testing

@testable import Nodes

@Suite struct ReplaySpotTests {
    private static func around(_ element: String?) -> [String?] {
        ReplaySpot(offset: 7, line: 2, element: element).around.map(\.element)
    }

    @Test func anElementStandsInTheDocumentAndInElements() {
        #expect(Self.around(nil).isEmpty)
        #expect(Self.around("orders[1]") == [nil])
        #expect(Self.around("orders[1].items[0]") == [nil, "orders[1]"])
        #expect(Self.around("a.b[10].c[2].`x.y`[3]") == [nil, "a.b[10]", "a.b[10].c[2]"])
        #expect(Self.around("[0].items[4]") == [nil, "[0]"])
        #expect(ReplaySpot(offset: 7, line: 2, element: "a[0]").around.allSatisfy { $0.offset == 7 && $0.line == 2 })
    }
}
