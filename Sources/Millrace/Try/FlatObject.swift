import Foundation

/// Reads an object of texts, numbers and lists in the order in which it is written, which `JSONSerialization` does not keep.
enum FlatObject {
    /// The names and values of `{"name": value, …}`: texts without quotes, null as nothing, all else as written.
    static func cells(of line: [UInt8]) -> [(name: String, value: String)] {
        var cells: [(name: String, value: String)] = []
        var index = 1
        while index < line.count, line[index] != UInt8(ascii: "}") {
            let name = text(line, &index)
            index += 2
            let value = line[index] == UInt8(ascii: "\"") ? text(line, &index) : word(line, &index)
            cells.append((name, value == "null" ? "" : value))
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
