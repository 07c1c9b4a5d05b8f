import Testing

@testable import Millrace

/// Lines of JSON as cells of a table, in their order.
@Suite struct FlatObjectTests {
    @Test func cellsComeInOrder() {
        let line = #"{"b": "x, \"y\"", "a": -1.5, "n": null, "l": [{"v": "a]},", "c": 2}, []], "z": true}"#
        let cells = FlatObject.cells(of: Array(line.utf8))
        #expect(cells.map(\.name) == ["b", "a", "n", "l", "z"])
        #expect(cells.map(\.value) == ["x, \"y\"", "-1.5", "", #"[{"v": "a]},", "c": 2}, []]"#, "true"])
        #expect(FlatObject.cells(of: Array("{}".utf8)).isEmpty)
    }
}
