/// A line of a crontab that starts something.
struct CronJob: Hashable {
    /// The line's number, from 1.
    var line: Int
    /// When it starts it: five fields, or a word such as `@hourly`.
    var schedule: String
    /// What the shell gets.
    var command: String
}

/// A crontab, line by line.
struct Crontab {
    /// What a person should know of a line.
    struct Remark: Hashable, CustomStringConvertible {
        var line: Int
        var text: String
        /// Whether the line is none of a crontab, so that nobody knows what it was to start.
        var isUnreadable = false

        var description: String { "\(line): \(text)" }
    }

    private(set) var jobs: [CronJob] = []
    /// Lines that say nothing to us, each with the reason.
    private(set) var remarks: [Remark] = []

    private static let words = [
        "@reboot", "@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly",
    ]

    /// Reads a crontab.
    /// - Parameter hasUsers: whether a user stands in front of each command, as in /etc/crontab.
    init(_ text: String, hasUsers: Bool) {
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            read(line.drop(while: \.isWhitespace), index + 1, hasUsers)
        }
    }

    private mutating func read(_ line: Substring, _ number: Int, _ hasUsers: Bool) {
        guard let first = line.first, first != "#", line.contains(where: { !$0.isWhitespace }) else { return }
        if Self.isAssignment(line) {
            let name = line.prefix { $0 != "=" && !$0.isWhitespace }
            remarks.append(
                Remark(line: number, text: "the variable \(name) is cron's; give it to the programs with env:"))
            return
        }
        var rest = line
        let fields = first == "@" ? 1 : 5
        var schedule: [Substring] = []
        for _ in 0..<fields { schedule.append(Self.word(&rest)) }
        let isRight = first == "@" ? Self.words.contains(String(schedule[0])) : schedule.allSatisfy(Self.isTime)
        if hasUsers { _ = Self.word(&rest) }
        let command = rest.trimmingSuffix(while: \.isWhitespace)
        guard isRight, !command.isEmpty else {
            let expected = "expected five fields of time or one of \(Self.words.joined(separator: ", "))"
            remarks.append(
                Remark(
                    line: number,
                    text: "this is no line of a crontab: \(expected)\(hasUsers ? ", a user" : ""), and a command",
                    isUnreadable: true))
            return
        }
        jobs.append(
            CronJob(line: number, schedule: schedule.joined(separator: " "), command: String(command)))
    }

    private static func word(_ rest: inout Substring) -> Substring {
        let word = rest.prefix { !$0.isWhitespace }
        rest = rest.dropFirst(word.count).drop(while: \.isWhitespace)
        return word
    }

    private static func isAssignment(_ line: Substring) -> Bool {
        let name = line.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
        return !name.isEmpty && line.dropFirst(name.count).drop(while: \.isWhitespace).first == "="
    }

    private static let names: Set<String> = [
        "mon", "tue", "wed", "thu", "fri", "sat", "sun", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep",
        "oct", "nov", "dec",
    ]

    /// `5`, `1-5`, `*/10`, `mon,fri`.
    private static func isTime(_ field: Substring) -> Bool {
        !field.isEmpty
            && field.split(omittingEmptySubsequences: false) { ",-/".contains($0) }.allSatisfy { part in
                part == "*" || names.contains(part.lowercased()) || (1...2).contains(part.count) && Int(part) != nil
            }
    }
}

extension Substring {
    fileprivate func trimmingSuffix(while isMeant: (Character) -> Bool) -> Substring {
        var text = self
        while let last = text.last, isMeant(last) { text.removeLast() }
        return text
    }
}
