import Platform
import Postgres

@testable import Dataflow
@testable import Expressions

/// Random values of a type.
struct OracleInput: Sendable {
    var type: ColumnType
    /// One value that is not null.
    var make: @Sendable (inout SeededRandom) -> SampleValue

    var sqlType: String {
        switch type {
        case .text: "text"
        case .integer: "bigint"
        case .decimal(let scale): "numeric(60, \(scale))"
        case .double: "double precision"
        case .boolean: "boolean"
        case .timestamp: "timestamptz"
        }
    }

    func value(_ random: inout SeededRandom) -> SampleValue? { random.chance(3) ? nil : make(&random) }

    func array(_ values: [SampleValue?]) -> ArrayBuilder {
        let element: ArrayBuilder.Element =
            switch type {
            case .text: .text
            case .integer: .int8
            case .decimal: .numeric
            case .double: .float8
            case .boolean: .bool
            case .timestamp: .timestamptz
            }
        var array = ArrayBuilder(element)
        for value in values {
            switch value {
            case nil: array.appendNull()
            case .text(let text): array.append(text)
            case .double(let number): array.append(number)
            case .boolean(let truth): array.append(truth)
            case .integer(let number):
                switch type {
                case .timestamp: array.append(microsecondsSince1970: number)
                case .decimal(let scale):
                    array.append(isNegative: number < 0, digits: number.magnitude, exponent: -scale)
                default: array.append(number)
                }
            }
        }
        return array
    }
}

extension OracleInput {
    private static let pieces = [
        "a", "b", "c", "A", "B", "Z", "x", "y", "0", "1", "2", "9", " ", " ", "-", "_", "%", "/", ",", ".", "\\", "ö",
        "Ä", "ß",
        "日", "本", "\u{1F600}", "ab", "abc", "foo", "  ", "\t", "'", "e",
    ]

    private static func text(_ random: inout SeededRandom, _ pieces: [String], _ lengthMax: Int) -> String {
        (0..<random.below(lengthMax + 1)).reduce(into: "") { text, _ in text += random.pick(pieces) }
    }

    /// Texts of up to twelve pieces.
    static let text = OracleInput(type: .text) { .text(text(&$0, pieces, 12)) }
    /// Short ones of few letters, which occur in one another.
    static let short = OracleInput(type: .text) { .text(text(&$0, ["a", "b", "ab", "ö", "/", "-"], 3)) }
    /// Long ones of the same letters.
    static let repetitive = OracleInput(type: .text) { .text(text(&$0, ["a", "b", "ab", "ö", "/", "-"], 16)) }
    /// Patterns of `like`.
    static let pattern = OracleInput(type: .text) { .text(text(&$0, ["a", "b", "ö", "%", "_", "%", "\\", "A"], 6)) }
    /// Hashes read whole blocks.
    static let long = OracleInput(type: .text) { .text(text(&$0, pieces, 150)) }

    static func texts(_ choices: [String]) -> OracleInput { OracleInput(type: .text) { .text($0.pick(choices)) } }

    /// Numbers as they are written, and not quite.
    static let numeral = OracleInput(type: .text) { random in
        switch random.below(10) {
        case 0:
            return .text(
                random.pick(["", " ", "-", "+", ".", "1e", "e5", "0x10", "1_000", "1,5", "--1", "1 2", "9e99"]))
        case 1: return .text(text(&random, pieces, 3))
        default: break
        }
        var number = random.pick(["", "", "-", "+", " ", "\t-"])
        number += text(&random, ["0", "1", "5", "9", "4"], random.below(4) == 0 ? 20 : 6)
        if random.chance(60) {
            number += "." + text(&random, ["0", "1", "5", "9", "4"], random.below(4) == 0 ? 20 : 5)
        }
        if random.chance(20) {
            number += random.pick(["e", "E"]) + random.pick(["", "-", "+"]) + "\(random.below(25))"
        }
        if random.chance(10) { number += random.pick([" ", "\n", "x"]) }
        return .text(number)
    }

    private static let bounds: [Int64] = [0, 1, -1, 2, -2, 10, 100, .max, .min, .max - 1, .min + 1, 1 << 31, 1 << 53]

    /// Whole numbers of all sizes.
    static let integer = OracleInput(type: .integer) { random in
        switch random.below(4) {
        case 0: .integer(random.pick(bounds))
        case 1: .integer(Int64(bitPattern: random.next()) >> Int64(random.below(64)))
        default: .integer(Int64(random.below(2001)) - 1000)
        }
    }

    /// Whole numbers that 32 bits hold, which is what most of Postgres's functions take.
    static func integer(_ range: ClosedRange<Int64>) -> OracleInput {
        OracleInput(type: .integer) { .integer(Int64.random(in: range, using: &$0)) }
    }

    static func decimal(_ scale: Int) -> OracleInput {
        OracleInput(type: .decimal(scale: scale)) { random in
            random.chance(20)
                ? .integer(Int64(bitPattern: random.next()) >> Int64(random.below(64)))
                : .integer(Int64(random.below(2_000_001)) - 1_000_000)
        }
    }

    static let double = OracleInput(type: .double) { random in
        switch random.below(5) {
        case 0:
            return .double(
                random.pick([
                    0, 0.5, 1, -1, 1.5, 2.5, -2.5, 1e15, 123456789012345680, 1e-5, 1e300, Double.leastNonzeroMagnitude,
                    1e-300,
                ]))
        case 1: return .double(Double(random.below(20001) - 10000) / 100)
        case 2:
            let value = Double(bitPattern: random.next())
            return .double(value.isFinite ? value : 0.25)
        default: return .double(Double.random(in: -1000...1000, using: &random))
        }
    }

    static func double(_ range: ClosedRange<Double>) -> OracleInput {
        OracleInput(type: .double) { .double(Double.random(in: range, using: &$0)) }
    }

    static let boolean = OracleInput(type: .boolean) { .boolean($0.chance(50)) }

    /// Times from the year 2 to 9998.
    static let timestamp = OracleInput(type: .timestamp) { random in
        let range: Range<Int64> =
            random.chance(50) ? -62_000_000_000_000_000..<253_300_000_000_000_000 : 0..<2_000_000_000_000_000
        let time = Int64.random(in: range, using: &random)
        return .integer(random.chance(30) ? time / 3_600_000_000 * 3_600_000_000 : time)
    }

    /// Times at and around the changes of a zone's clocks in some years, and anywhere within them.
    static func around(_ zone: String, _ years: [Int64] = [1900, 1945, 1995, 2026, 2037, 2038, 2100, 9999])
        -> OracleInput
    {
        let rules = TimeZoneDatabase.system.find(zone)
        var changes: [Int64] = []
        for year in years {
            var time = CivilDate(year: year, month: 1, day: 1).daysSince1970 * 86_400
            let end = time + 364 * 86_400
            changes.append(time)
            while let rules, rules.span(at: time).end < end {
                time = rules.span(at: time).end
                changes.append(time)
            }
        }
        let places = changes
        let all = years
        return OracleInput(type: .timestamp) { random in
            if random.chance(30) {
                let day = CivilDate(year: random.pick(all), month: 1, day: 1).daysSince1970 + Int64(random.below(362))
                return .integer(day * 86_400_000_000 + Int64(random.below(86_400)) * 1_000_000)
            }
            // Half hours, seconds, and microseconds around a change.
            let distance = Int64(random.below(14_401) - 7200)
            let step = random.pick([1, 1800, 60] as [Int64])
            let seconds = random.pick(places) + distance / step * step + 86_400
            return .integer((seconds - 86_400) * 1_000_000 + (random.chance(30) ? Int64(random.below(1_000_000)) : 0))
        }
    }
}
