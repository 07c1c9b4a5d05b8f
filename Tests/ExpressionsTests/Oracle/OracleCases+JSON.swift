import Dataflow
import Platform

extension OracleCases {
    private static let key = OracleInput.texts([
        "a", "b", "c", "ö", "", "a\"b", "0", "1", "2", " 1", "+1", "01", "1 ", "-", "2147483648",
        "99999999999999999999", "\n",
    ])
    /// Keys that are no places: `->` finds places by numbers only, and -1 of an object is nothing for it.
    private static let name = OracleInput.texts(["a", "b", "c", "ö", "", "a\"b"])
    private static let place = OracleInput.texts(["-1", "-2", "-3", " -1", "-0", "-2147483648", "-2147483647", "a"])

    private static let keys = "json_extract_path_text(json_extract_path(a::json, b), c)"

    static let jsonTexts: [OracleCase] = [
        OracleCase("json_extract_path_text(a, b)", sql: "json_extract_path_text(a::json, b)", .json, key),
        OracleCase("json_extract_path_text(a, b)", sql: "json_extract_path_text(a::json, b)", .json, place),
        OracleCase("json_extract_path_text(a, b, c)", sql: keys, .json, key, key),
        OracleCase("json_extract_path_text(a, b, c)", sql: keys, .json, key, place),
        OracleCase("json_extract_path_text(a, b, c)", sql: keys, .json, place, place),
        OracleCase("json_extract_path_text(a, 'a', 'b')", sql: "a::json -> 'a' ->> 'b'", .json),
        OracleCase("json_extract_path_text(a, 'a', b, 'a')", sql: "a::json -> 'a' -> b ->> 'a'", .json, name),
        OracleCase("json_extract_path_text(a, 'a', b, '-1')", sql: "a::json -> 'a' -> b ->> -1", .json, name),
        OracleCase("json_array_length(a)", sql: "json_array_length(a::json)", .json),
    ]
}

extension OracleInput {
    /// JSON with few keys, some of them twice in an object, and texts that are nearly JSON.
    static let json = OracleInput(type: .text) { random in .text(RandomJSON().text(&random)) }
}

/// Random texts that are JSON, or that have been damaged.
private struct RandomJSON {
    private static let keys = ["a", "b", "c", "ö", "\\u0061", "a\\\"b", "", "\\u00f6", "1", "\\b", "\\ud83d\\ude00"]
    private static let scalars = [
        "null", "true", "false", "0", "-0", "1.50", "-12e+3", "1E5", "123456789012345678901234567890", "\"\"", "\"x\"",
        "\"null\"", "\"a\\n\\t\\\"\\\\\\/b\"", "\"\\u00f6\\u65e5\"", "\"\\ud83d\\ude00\"", "\"日本 {[,]}\"", "\"\\\\\"",
    ]
    private static let faults = [
        "01", "1.", ".5", "1e", "-", "+1", "tru", "nullx", "NaN", "\"", "\"\\x\"", "\"\\u12g4\"", "\"\\u0000\"",
        "\"\\ud800\"",
        "\"\\udc00\"", "\"\\ud800\\u0041\"", "\"\\ud800\\n\"", "\"\t\"", "'a'", "{\"a\"}", "{\"a\":}", "[1,]", "{,}",
        "[1 2]",
        "{a:1}", "1.2.3", "\"\\u00\"", "\"\\", "{\"a\":1,}", "[,1]", "\u{feff}1",
    ]

    func text(_ random: inout SeededRandom) -> String {
        var text = space(&random) + value(5, &random) + space(&random)
        guard random.chance(15), !text.isEmpty else { return text }
        // One character less, more, or other.
        let place = text.index(text.startIndex, offsetBy: random.below(text.count))
        let piece = random.pick(["{", "}", "[", "]", ",", ":", "\"", "\\", " ", "0", "e", ".", "-", "n", "/"])
        switch random.below(3) {
        case 0: text.remove(at: place)
        case 1: text.insert(contentsOf: piece, at: place)
        default: text.replaceSubrange(place...place, with: piece)
        }
        return text
    }

    private func space(_ random: inout SeededRandom) -> String {
        random.chance(85) ? "" : random.pick([" ", "\n", "\t", "\r\n", "  ", "\u{b}", "\u{a0}"])
    }

    private func value(_ depth: Int, _ random: inout SeededRandom) -> String {
        if random.below(250) == 0 { return random.pick(Self.faults) }
        guard depth > 0, random.chance(75) else { return random.pick(Self.scalars) }
        let count = random.below(4)
        if random.chance(50) {
            let elements = (0..<count).map { _ in padded(value(depth - 1, &random), &random) }
            return "[" + (count == 0 ? space(&random) : elements.joined(separator: ",")) + "]"
        }
        let keys = (0..<count).map { _ in random.pick(Self.keys) }
        let members = keys.map { key in
            padded("\"\(key)\"", &random) + ":" + padded(value(depth - 1, &random), &random)
        }
        return "{" + (count == 0 ? space(&random) : members.joined(separator: ",")) + "}"
    }

    private func padded(_ text: String, _ random: inout SeededRandom) -> String {
        // Few of the spaces are ones that JSON has none of.
        random.chance(90) ? text : random.pick([" ", "\n", "\t", "\r"]) + text + random.pick(["", " "])
    }
}
