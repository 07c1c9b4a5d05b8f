import Foundation
import Platform

/// A field of random events: what `parse_json` is told of it, and how its values are made.
struct RandomField {
    enum Kind {
        case time(TimeForm)
        /// Whole numbers of little size.
        case small
        /// Whole numbers of any size, which no expression computes with.
        case large
        case decimal(Int)
        case double
        case flag
        case word
        case zone
    }

    /// How a time is written.
    enum TimeForm: CaseIterable {
        case rfc3339, seconds, milliseconds, microseconds, nanoseconds, logFormat, berlin
    }

    var name: String
    var kind: Kind
    /// Options of `parse_json`.
    var options: [String] = []
    var acceptsText = false
    var path: String?

    /// Outside of how many arrays its path begins.
    var outward: Int { path?.dropFirst().prefix { $0 == "^" }.count ?? 0 }

    var type: String {
        switch kind {
        case .time(.seconds): "timestamp(s)"
        case .time(.milliseconds): "timestamp(ms)"
        case .time(.microseconds): "timestamp(us)"
        case .time(.nanoseconds): "timestamp(ns)"
        case .time: "timestamp"
        case .small, .large: "integer"
        case .decimal(let scale): "decimal(\(scale))"
        case .double: "double"
        case .flag: "boolean"
        case .word, .zone: "text"
        }
    }

    /// Its entry below `fields`.
    var declaration: String {
        var parts = ["type: \(type)"] + options
        if let path { parts.append("path: \(path)") }
        if acceptsText { parts.append("accept: text") }
        switch kind {
        case .time(.logFormat): parts.append("format: \"%d/%b/%Y:%H:%M:%S.%f %z\"")
        case .time(.berlin): parts.append("zone: Europe/Berlin")
        default: break
        }
        return "\(name): { \(parts.joined(separator: ", ")) }"
    }
}

/// One line of a file.
struct RandomEvent {
    var text: String
    var isJSON: Bool
}

/// Makes random documents: late and out of order, with nulls, gaps, and values of other types.
struct RandomEvents {
    private var random: SeededRandom
    private let fields: [RandomField]
    /// The arrays that hold one another, of whose last one the elements are the records; "" for the document. None where the
    /// documents are.
    private let arrays: [String]
    private let centre: Int64
    private var number: Int64 = 0

    init(seed: UInt64, fields: [RandomField], array: String?) {
        random = SeededRandom(seed: seed)
        self.fields = fields
        arrays = array == "[]" ? [""] : array?.components(separatedBy: "[].") ?? []
        // Around changes of the clock in Europe, and in front of 1970.
        centre = random.pick([1_774_746_000, 1_792_890_000, 1_767_225_600, -86_400, 951_782_400])
    }

    mutating func events(_ count: Int) -> [RandomEvent] {
        (0..<count).map { _ in
            switch random.below(60) {
            case 0: return RandomEvent(text: #"{"broken": "#, isJSON: false)
            case 1: return RandomEvent(text: random.pick(["[1, 2]", "null", "\"text\"", "17"]), isJSON: true)
            default: return RandomEvent(text: document(), isJSON: true)
            }
        }
    }

    private mutating func document() -> String { holder(depth: 0) }

    /// The document, or what lies in `depth` arrays of it.
    private mutating func holder(depth: Int) -> String {
        let own = fields.filter { $0.outward == arrays.count - depth }
        if depth > 0, let whole = own.first(where: { $0.path == "\".\"" }) {
            return random.chance(10) ? odd(whole) : value(whole)
        }
        if depth > 0, random.chance(4) { return "7" }
        guard depth < arrays.count else { return record(own) }
        let elements = (0..<random.below(4)).map { _ in holder(depth: depth + 1) }
        let list = random.chance(3) ? "\"no array\"" : "[\(elements.joined(separator: ", "))]"
        if arrays[depth].isEmpty { return list }
        let rest = record(own).dropFirst().dropLast()
        // Where the array is optional, its absence is no fault; for the tables it is the same.
        if random.chance(5) { return "{\(rest)}" }
        return "{\"\(arrays[depth])\": \(list)\(rest.isEmpty ? "" : ", ")\(rest)}"
    }

    private mutating func record(_ fields: [RandomField]) -> String {
        var members: [String] = []
        var pairs: [String] = []
        for field in fields {
            let isTime = if case .time = field.kind { true } else { false }
            if random.chance(isTime ? 1 : 5) { continue }
            let value = random.chance(isTime ? 2 : 5) ? odd(field) : value(field)
            if let path = field.path, path.hasPrefix("\"kv[") {
                pairs += pair("x.\(field.name)", field.name, value)
            } else if let path = field.path, path.hasPrefix("in.") {
                members.append("\"in\": {\"\(path.dropFirst(3))\": \(value)}")
            } else {
                members.append("\"\(field.name)\": \(value)")
            }
        }
        if !pairs.isEmpty {
            let list = random.chance(5) ? random.pick(["null", "7", "{}", "[]"]) : "[\(pairs.joined(separator: ", "))]"
            members.append("\"kv\": \(list)")
        }
        // Of two values of one key the last one counts.
        if random.chance(3), let first = fields.last(where: { $0.path == nil }) {
            members.insert("\"\(first.name)\": \(odd(first))", at: 0)
        }
        return "{\(members.joined(separator: ", "))}"
    }

    /// Elements of an array of keys and values: of several with one key the last one counts.
    private mutating func pair(_ key: String, _ name: String, _ value: String) -> [String] {
        let inner = random.chance(5) ? random.pick(["null", "7", "[]", "{}"]) : "{\"\(name)\": \(value)}"
        let element =
            random.chance(50)
            ? "{\"k\": \"\(key)\", \"v\": \(inner)}" : "{\"v\": \(inner), \"o\": [{}], \"k\": \"\(key)\"}"
        let others = ["{\"k\": 7}", "{}", "[1]", "null", "{\"k\": \"\(key)\"}", "{\"k\": {\"\(key)\": 1}}", "\"k\""]
        let before = random.chance(30) ? [random.pick(others)] : []
        return before + [element] + (random.chance(4) ? [random.pick(others)] : [])
    }

    /// A value that may not be one of its field.
    private mutating func odd(_ field: RandomField) -> String {
        random.pick([
            "null", "null", "true", "\"7\"", "\" 12 \"", "3.5", "2.0", "1e2", "-0", "[]", "{}", "\"yes\"", "1e400",
            "99999999999999999999", "\"\(String(repeating: "ü", count: 30))\"", "\"a\\u0000b\"", "\"\"",
            "12345678901234",
            "0.000", "\"2026-02-30T00:00:00Z\"", "-1", "\"no\"",
        ])
    }

    private mutating func value(_ field: RandomField) -> String {
        switch field.kind {
        case .time(let form): return time(form)
        case .small:
            let value = random.chance(70) ? random.below(40) : random.below(2_001) - 1_000
            return field.acceptsText && random.chance(30) ? "\" +\(abs(value))\"" : "\(value)"
        case .large:
            return random.chance(20)
                ? "\(random.pick([Int64.max, .min, .max - 1, 1 << 53]))" : "\(Int64(bitPattern: random.next()) >> 20)"
        case .decimal:
            let value = random.below(100_000) - 20_000
            let digits = "\(value / 100).\(String(format: "%02d", abs(value % 100)))"
            let text = random.chance(20) ? digits + "5" : random.chance(20) ? "\(value)e-3" : digits
            return field.acceptsText && random.chance(30) ? "\"\(text)\"" : text
        case .double:
            return random.pick([
                "\(random.below(200) - 50)", "\(Double(random.below(100_000)) / 64)", "1.5e3", "-2.25",
                "\(Double.random(in: -100...100, using: &random))",
            ])
        case .flag:
            return field.acceptsText && random.chance(30)
                ? random.pick(["\"Yes\"", "\"off\"", "\" t \"", "\"0\""]) : random.pick(["true", "false"])
        case .word:
            return random.pick([
                "\"a\"", "\"b\"", "\"ab\"", "\"Größe 1\"", "\"/x/17?q=1\"", "\"B\"", "\"\"", "\"a-b\"",
                "\"\\u00e4\\n\"",
                "\"12\"", "\"3.5\"", "\"日本\"", "\"\\ud83d\\ude00z\"", "\"it's \\\\ \\\"\"",
            ])
        case .zone:
            return random.pick([
                "\"Europe/Berlin\"", "\"America/New_York\"", "\"Australia/Lord_Howe\"", "\"UTC\"", "\"asia/kathmandu\"",
                "\"Nowhere\"",
            ])
        }
    }

    private mutating func time(_ form: RandomField.TimeForm) -> String {
        number += 1
        let spread = random.pick([600, 20_000, 400_000, 8_000_000])
        let second = centre + Int64(random.below(2 * spread) - spread)
        // Some at one moment, most at their own.
        let micros = random.chance(30) ? 0 : (number * 7_919) % 1_000_000
        let (clock, zone) = shown(second, form)
        let fraction = String(format: "%06d", micros)
        switch form {
        case .rfc3339:
            return "\"\(clock)\(micros == 0 ? "" : ".\(fraction)\(random.pick(["", "9", "51"]))")\(zone)\""
        case .berlin: return "\"\(clock)\(micros == 0 ? "" : ".\(fraction)")\(random.chance(20) ? zone : "")\""
        case .logFormat: return "\"\(clock).\(fraction) \(zone)\""
        case .seconds: return micros == 0 ? "\(second)" : "\(second).\(fraction)"
        case .milliseconds: return "\(second * 1_000 + micros / 1_000)"
        case .microseconds: return "\(second * 1_000_000 + micros)"
        case .nanoseconds: return "\((second * 1_000_000 + micros) * 1_000 + Int64(random.below(1_000)))"
        }
    }

    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// What a clock shows, and its offset.
    private mutating func shown(_ second: Int64, _ form: RandomField.TimeForm) -> (clock: String, zone: String) {
        let offset = random.pick([0, 0, 0, 3_600, -12_600, 20_700] as [Int64])
        let local = second + offset
        let days = local >= 0 ? local / 86_400 : -((-local + 86_399) / 86_400)
        let date = CivilDate(daysSince1970: days)
        let rest = local - days * 86_400
        func two(_ number: Int64) -> String { String(format: "%02d", number) }
        let time = "\(two(rest / 3_600)):\(two(rest / 60 % 60)):\(two(rest % 60))"
        let sign = offset < 0 ? "-" : "+"
        let (hours, minutes) = (two(abs(offset) / 3_600), two(abs(offset) / 60 % 60))
        if form == .logFormat {
            let month = Self.months[Int(date.month) - 1]
            return ("\(two(date.day))/\(month)/\(date.year):\(time)", "\(sign)\(hours)\(minutes)")
        }
        let zone = offset == 0 && random.chance(60) ? "Z" : "\(sign)\(hours):\(minutes)"
        return ("\(date.year)-\(two(date.month))-\(two(date.day))\(random.pick(["T", " "]))\(time)", zone)
    }
}
