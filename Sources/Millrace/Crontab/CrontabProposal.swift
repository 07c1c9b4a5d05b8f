import Foundation

/// A topology that does what the semaphores of a crontab do: a node for each program, at most so many of it at once.
struct CrontabProposal {
    /// A node.
    private struct Step {
        var name: String
        var job: CronJob
        var call: SemaphoreCall
    }

    private var steps: [Step] = []
    /// What a person should know, by line.
    private(set) var remarks: [Crontab.Remark]

    /// Looks for semaphores in a crontab.
    init(_ crontab: Crontab) {
        remarks = crontab.remarks
        for job in crontab.jobs {
            do throws(SemaphoreCall.Problem) {
                let call = try SemaphoreCall.read(job.command)
                add(job, call)
            } catch {
                switch error {
                case .none:
                    note(job, "runs no program under a semaphore (sem --id NAME -jN PROGRAM), and stays cron's")
                case .unclear(let why): note(job, "is not translated: \(why)")
                }
            }
        }
        remarks.sort { ($0.line, $0.text) < ($1.line, $1.text) }
    }

    /// Lines that could not be read, so that the proposal may lack what they start.
    var unreadable: [Int] { remarks.filter(\.isUnreadable).map(\.line) }

    /// Whether there is something to propose.
    var isEmpty: Bool { steps.isEmpty }

    private mutating func note(_ job: CronJob, _ text: String) {
        remarks.append(Crontab.Remark(line: job.line, text: text))
    }

    private mutating func add(_ job: CronJob, _ call: SemaphoreCall) {
        if !call.before.isEmpty {
            note(job, "runs its program behind \(call.before), and is proposed as one line for a shell")
        }
        for part in call.leftOut { note(job, "has no counterpart for \(part)") }
        if let earlier = steps.first(where: { $0.call.id == call.id }) {
            if earlier.call.command == call.command, earlier.call.limit == call.limit {
                return note(job, "does what line \(earlier.job.line) does: one node, which works when there is work")
            }
            note(
                job,
                "shares the semaphore \(call.id) with line \(earlier.job.line); two nodes do not share a limit, so lower "
                    + "the concurrency of one")
        }
        steps.append(Step(name: name(for: call.id), job: job, call: call))
    }

    /// `ImportProcess` is `import_process`.
    private func name(for id: String) -> String {
        var name = ""
        for character in id {
            guard character.isASCII, character.isLetter || character.isNumber else {
                if !name.isEmpty, name.last != "_" { name += "_" }
                continue
            }
            if character.isUppercase, let last = name.last, last.isLowercase { name += "_" }
            name += character.lowercased()
        }
        while name.last == "_" { name.removeLast() }
        if name.first.map(\.isNumber) ?? true { name = "program_" + name }
        if ["events", "records", "totals", "table"].contains(name) { name += "_program" }
        let taken = steps.map(\.name)
        guard taken.contains(name) else { return name }
        return (2...).lazy.map { "\(name)_\($0)" }.first { !taken.contains($0) } ?? name
    }

    /// The topology as a file.
    /// - Parameter crontab: the crontab's name.
    func text(from crontab: String) -> String {
        var text = """
            # Proposed by millrace import-crontab from \(crontab == "-" ? "standard input" : Self.plain(crontab)).
            # What cron started every so often works here as soon as there is something to do, and rests when there is
            # nothing. What is yours to say is marked with "->".
            # A program gets a line of JSON for each record and answers a line: docs/programs.md.
            topology: from_crontab
            nodes:
              events:
                kafka: { brokers: "${KAFKA_BROKERS}", topics: [events] }  # -> where the work comes from
              records:
                from: events
                parse_json: { fields: { id: text } }  # -> the fields that the programs need

            """
        var input = "records"
        for step in steps {
            text += node(step, readingFrom: input)
            input = step.name
        }
        return text + """
              totals:
                from: \(input)
                summarize: { metrics: { records: count() } }  # -> what is to be known of them
              table:
                from: totals
                postgres: { url: "${DATABASE_URL}", table: from_crontab }

            """
    }

    private func node(_ step: Step, readingFrom input: String) -> String {
        let command = step.call.command.map(Self.quoted).joined(separator: ", ")
        let isLine = step.call.command.count == 1
        var text = """
              # line \(step.job.line), \(step.job.schedule): semaphore \(Self.plain(step.call.id))
              \(step.name):
                from: \(input)
                exec:
                  command: \(isLine ? command : "[\(command)]")
                  mode: batch  # -> stream, if it reads line by line and answers at once
                  add: { \(step.name)_answer: text }  # -> what it answers

            """
        if let seconds = step.call.timeoutSeconds { text += "      timeout: \(seconds)s\n" }
        if let tries = step.call.tries { text += "      tries: \(min(100, tries))\n" }
        return text + "    concurrency: \(step.call.limit)\n"
    }

    /// A scalar of YAML, with variables left to the shell.
    private static func quoted(_ word: String) -> String {
        let isPlain =
            !word.isEmpty
            && word.utf8.allSatisfy { byte in
                (97...122).contains(byte | 0x20) || byte == 0x2e || byte == 0x2f || byte == 0x5f
            }
        if isPlain { return word }
        let escaped = word.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\t", with: "\\t")
        return "\"" + escaped.replacing("${", with: "$${") + "\""
    }

    /// A text that ends no comment.
    private static func plain(_ text: String) -> String { String(text.filter { !$0.isNewline }) }
}
