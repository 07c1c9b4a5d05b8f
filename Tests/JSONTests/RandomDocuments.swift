import Foundation
import Platform

/// Random JSON values and ways to write them down, from a seed.
struct RandomDocuments {
    var random: SeededRandom

    init(seed: UInt64) { random = SeededRandom(seed: seed) }

    /// A JSON value as text: about one string in three with escapes, numbers of all kinds, random white space.
    mutating func value(depth: Int) -> String {
        switch random.below(depth > 4 ? 5 : 8) {
        case 0: return random.pick(["true", "false", "null"])
        case 1, 2: return number()
        case 3, 4: return string()
        case 5: return list("[", "]", depth) { $0.value(depth: depth + 1) }
        default: return object(depth: depth)
        }
    }

    /// An object whose keys are often declared ones, and sometimes duplicates.
    mutating func object(depth: Int) -> String {
        list("{", "}", depth) { $0.key() + $0.space() + ":" + $0.space() + $0.value(depth: depth + 1) }
    }

    /// Keys out of a small set, so that declared paths and duplicates happen, some with escapes.
    mutating func key() -> String {
        random.pick([
            #""a""#, #""b""#, #""c""#, #""a""#, #""b""#, #""\u0061""#, #""d e""#, #""é""#, #""""#,
            #""a key that is longer than one spelling can be""#, string(),
        ])
    }

    mutating func number() -> String {
        let sign = random.chance(30) ? "-" : ""
        let whole = random.chance(20) ? "0" : "\(1 + random.below(9))" + digits(random.chance(80) ? 6 : 20)
        let fraction = random.chance(40) ? "." + "\(random.below(10))" + digits(random.chance(80) ? 4 : 20) : ""
        let exponent = random.chance(15) ? random.pick(["e", "E", "e+", "E-", "e-"]) + "\(random.below(12))" : ""
        return sign + whole + fraction + exponent
    }

    mutating func string() -> String {
        let pieces = ["x", "kill", "0", "ä", "€", "🙂", " ", "{", "}", ":", ",", "[", "'", "\u{7f}"]
        let escapes = [#"\n"#, #"\""#, #"\\"#, #"\/"#, #"\u0041"#, #"\u20ac"#, #"\ud83d\ude42"#, #"\u0000"#, #"\t"#]
        let hasEscapes = random.chance(30)
        return "\""
            + (0..<random.below(12)).map { _ in
                hasEscapes && random.chance(40) ? random.pick(escapes) : random.pick(pieces)
            }.joined() + "\""
    }

    mutating func space() -> String {
        random.chance(85) ? "" : random.pick([" ", "  ", "\t", "\r\n", "\n \n"])
    }

    /// One to three random changes of bytes: flips, deletions, insertions of JSON's own characters, cuts.
    mutating func mutated(_ document: [UInt8]) -> [UInt8] {
        var bytes = document
        for _ in 0...random.below(3) where !bytes.isEmpty {
            let place = random.below(bytes.count)
            switch random.below(5) {
            case 0: bytes[place] ^= UInt8(1 << random.below(8))
            case 1: bytes.remove(at: place)
            case 2: bytes[place] = random.pick(Array(#"{}[],:"\e-.0129ntfu "#.utf8) + [0, 10, 0x80, 0xc3, 0xff])
            case 3: bytes.insert(random.pick(Array(#"{}[],:"\e-.0129ntfu "#.utf8)), at: place)
            default: bytes.removeSubrange(place...)
            }
        }
        return bytes
    }

    private mutating func digits(_ count: Int) -> String {
        (0..<random.below(count + 1)).map { _ in "\(random.below(10))" }.joined()
    }

    private mutating func list(
        _ open: String, _ close: String, _ depth: Int, _ element: (inout RandomDocuments) -> String
    ) -> String {
        var items: [String] = []
        for _ in 0..<random.below(depth == 0 ? 8 : 5) { items.append(space() + element(&self) + space()) }
        return open + (items.isEmpty ? space() : items.joined(separator: ",")) + close
    }
}
