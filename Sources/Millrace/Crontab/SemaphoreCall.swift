/// `sem --id X -jN PROGRAM`, or `parallel --semaphore …`: a program that waits until fewer than N of its semaphore run.
struct SemaphoreCall: Hashable {
    /// The semaphore's name; `sem` has one of its own for whoever names none.
    var id: String
    /// How many run at once: 1 unless given.
    var limit: Int
    /// The program and its arguments, or one line for a shell.
    var command: [String]
    /// How long it may run, in seconds.
    var timeoutSeconds: Int?
    /// How often it is tried.
    var tries: Int?
    /// What the line does before, such as `cd /opt &&`, which is part of `command` then.
    var before = ""
    /// What of the call has no counterpart.
    var leftOut: [String] = []

    /// Why a command is none.
    enum Problem: Error, Hashable {
        /// There is no semaphore in it.
        case none
        /// It is not understood.
        case unclear(String)
    }

    /// What programs of GNU parallel's name the options of a semaphore; those with a value that mean nothing to us.
    private static let valued: Set<String> = [
        "--st", "--semaphoretimeout", "--semtimeout", "--nice", "--delay", "--load", "--memfree", "--tmpdir", "--wd",
    ]
    private static let plain: Set<String> = [
        "--fg", "--bg", "--quiet", "-q", "-u", "--ungroup", "--line-buffer", "--lb",
    ]

    private init(id: String, limit: Int, command: [String]) {
        (self.id, self.limit, self.command) = (id, limit, command)
    }

    /// Reads a command of a crontab.
    /// - Parameter text: as it stands there, where `\%` is a percent sign and `%` ends the command.
    static func read(_ text: String) throws(Problem) -> SemaphoreCall {
        let line = text.replacing("\\%", with: "%")
        let (cut, place) = try find(in: line)
        var words = cut.words[...]
        if cut.isOpen { throw .unclear("a quote or a bracket is not closed") }
        let start = words[0].start
        let inFront = words[..<place].map(\.text).joined(separator: " ")
        words = words[(place + 1)...]
        var call = SemaphoreCall(id: "sem", limit: 1, command: [])
        if !inFront.isEmpty { call.leftOut.append("what stands in front of the semaphore (\(inFront))") }
        try call.readOptions(&words)
        guard let first = words.first else { throw .unclear("sem starts no program here") }
        call.before = String(line[..<start]).trimmed
        // One word is a line for a shell, and so is what the shell has something to put into.
        let isLine = words.contains(where: \.isExpanded) || !call.before.isEmpty
        if words.count == 1 {
            call.command = [first.text]
        } else {
            call.command = isLine ? [String(line[first.start..<cut.rest.startIndex]).trimmed] : words.map(\.text)
        }
        if !call.before.isEmpty { call.command[0] = call.before + " " + call.command[0] }
        let rest = String(cut.rest).trimmed
        if !rest.isEmpty { call.leftOut.append("what follows on it (\(rest))") }
        if text.replacing("\\%", with: "").contains("%") {
            call.leftOut.append("% of cron, which stands for a new line")
        }
        return call
    }

    /// The simple command of a line in which a semaphore stands, and where in it.
    private static func find(in line: String) throws(Problem) -> (cut: ShellWords, place: Int) {
        var cut = ShellWords(line)
        while true {
            if let place = cut.words.firstIndex(where: { isSemaphore($0.text) }),
                !cut.words[place].text.hasSuffix("parallel") || cut.words.contains(where: { $0.text == "--semaphore" })
            {
                return (cut, place)
            }
            guard let joint = cut.advance() else { break }
            guard ["&&", ";"].contains(joint) || !isMentioned(in: cut.words.map(\.text)) else {
                throw .unclear("a semaphore stands behind \(joint), expected it first, or behind && or ;")
            }
        }
        let rough = line.split { $0.isWhitespace || "\"'();&|`".contains($0) }.map(String.init)
        guard !isMentioned(in: rough) else {
            throw .unclear(
                "a semaphore stands inside of quotes or brackets, expected it first, or behind && or ;")
        }
        throw .none
    }

    /// Whether there is a semaphore with options among words.
    private static func isMentioned(in words: [String]) -> Bool {
        zip(words, words.dropFirst()).contains { word, next in
            isSemaphore(word) && next.hasPrefix("-")
                && (!word.hasSuffix("parallel") || words.contains("--semaphore"))
        }
    }

    private static func isSemaphore(_ word: String) -> Bool {
        ["sem", "parallel"].contains(word.split(separator: "/").last ?? "")
    }

    private mutating func readOptions(_ words: inout ArraySlice<ShellWords.Word>) throws(Problem) {
        while let word = words.first?.text, word.hasPrefix("-") {
            words.removeFirst()
            if word == "--" { return }
            let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
            var (name, value) = (parts[0], parts.count == 2 ? parts[1] : nil)
            for short in ["-j", "-P"] where word.hasPrefix(short) && word.count > 2 && !word.hasPrefix("--") {
                (name, value) = (short, String(word.dropFirst(2)))
            }
            func argument() throws(Problem) -> String {
                if let value { return value }
                guard let next = words.popFirst()?.text else { throw .unclear("\(name) has no value") }
                return next
            }
            switch name {
            case "--semaphore": continue
            case "--wait": throw .unclear("sem --wait waits for others, and starts nothing")
            case "--id", "--semaphorename", "--semaphore-name": id = try argument()
            case "-j", "-P", "--jobs", "--max-procs": limit = try Self.jobs(argument())
            case "--timeout": timeoutSeconds = try Self.number(argument(), of: name)
            case "--retries": tries = try Self.number(argument(), of: name)
            case let name where Self.plain.contains(name): continue
            case let name where Self.valued.contains(name): leftOut.append("\(name) \(try argument())")
            default: leftOut.append(word)
            }
        }
    }

    private static func jobs(_ text: String) throws(Problem) -> Int {
        guard let number = Int(text), number > 0, !text.hasPrefix("+") else {
            throw .unclear(
                "-j\(text) depends on the machine, expected a number of programs; write the number that is meant")
        }
        return number
    }

    private static func number(_ text: String, of option: String) throws(Problem) -> Int {
        guard let number = Int(text), number > 0 else { throw .unclear("\(option) \(text) is no number above 0") }
        return number
    }
}

extension String {
    fileprivate var trimmed: String {
        var text = self[...].drop(while: \.isWhitespace)
        while text.last?.isWhitespace ?? false { text.removeLast() }
        return String(text)
    }
}
