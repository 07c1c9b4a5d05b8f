import Foundation

/// Reads an object of texts, numbers and lists in the order in which it is written, which `JSONSerialization` does not keep.
enum FlatObject {
    /// A name and its value.
    struct Cell {
        var name: String
        /// The value as it is written, which tells it from all others.
        var written: ArraySlice<UInt8>
        /// The value as it is shown: texts without quotes unless they are empty, null as nothing, all else as written.
        var shown: String
    }

    /// The names and values of `{"name": value, …}`.
    static func cells(of line: [UInt8]) -> [Cell] {
        var cells: [Cell] = []
        var index = 1
        while index < line.count, line[index] != UInt8(ascii: "}") {
            let name = text(line, &index)
            index += 2
            let start = index
            let isText = line[index] == UInt8(ascii: "\"")
            let value = isText ? text(line, &index) : word(line, &index)
            let shown = isText ? value.isEmpty ? "\"\"" : value : value == "null" ? "" : value
            cells.append(Cell(name: name, written: line[start..<index], shown: shown))
            if index < line.count, line[index] == UInt8(ascii: ",") { index += 2 }
        }
        return cells
    }

    /// A text from its opening quote on; goes behind the closing one.
    private static func text(_ line: [UInt8], _ index: inout Int) -> String {
        let start = index
        index += 1
        while line[index] != UInt8(ascii: "\"") { index += line[index] == UInt8(ascii: "\\") ? 2 : 1 }
        index += 1
        let quoted = Data(line[start..<index])
        let value = try? JSONSerialization.jsonObject(with: quoted, options: .fragmentsAllowed)
        return value as? String ?? String(decoding: quoted, as: UTF8.self)
    }

    private static func word(_ line: [UInt8], _ index: inout Int) -> String {
        let start = index
        var depth = 0
        while true {
            switch line[index] {
            case UInt8(ascii: "\""):
                _ = text(line, &index)
                continue
            case UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
            case UInt8(ascii: ","), UInt8(ascii: "}"), UInt8(ascii: "]"):
                if depth == 0 { return String(decoding: line[start..<index], as: UTF8.self) }
                if line[index] != UInt8(ascii: ",") { depth -= 1 }
            default: break
            }
            index += 1
        }
    }
}
