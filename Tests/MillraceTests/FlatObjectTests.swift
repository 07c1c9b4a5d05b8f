import Testing

@testable import Millrace

/// Lines of JSON as cells of a table, in their order.
@Suite struct FlatObjectTests {
    @Test func cellsComeInOrder() {
        let line = #"{"b": "x, \"y\"", "a": -1.5, "n": null, "l": [{"v": "a]},", "c": 2}, []], "z": true}"#
        let cells = FlatObject.cells(of: Array(line.utf8))
        #expect(cells.map(\.name) == ["b", "a", "n", "l", "z"])
        #expect(cells.map(\.shown) == ["x, \"y\"", "-1.5", "", #"[{"v": "a]},", "c": 2}, []]"#, "true"])
        #expect(FlatObject.cells(of: Array("{}".utf8)).isEmpty)
    }

    @Test func nothingAndEmptyAndTheWordAreThree() {
        let cells = FlatObject.cells(of: Array(#"{"a": null, "b": "", "c": "null"}"#.utf8))
        #expect(cells.map(\.shown) == ["", "\"\"", "null"])
        #expect(Set(cells.map { Array($0.written) }).count == 3)
    }

    /// Rows are told apart by what is written and not by how it is shown, nor by what is the same text to Swift.
    @Test func rowsAreToldApartByTheirBytes() {
        let table = TrialTable(node: "out")
        for key in ["null", #""""#, #""null""#, "\"\u{e9}\"", "\"e\u{301}\""] {
            for n in 1...2 { table.add(Array("{\"k\": \(key), \"n\": \(n)}\n".utf8), keys: ["k"]) }
        }
        let (shown, count) = table.shown(10)
        #expect(count == 5)
        #expect(shown.map { "\($0)" }?.contains("1") == false, "of each row the last")
    }
}
