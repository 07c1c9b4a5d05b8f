import Foundation
import Platform

/// Programs for tests of `exec` nodes, with the events that they read, in a folder.
struct ExecPrograms {
    let folder: TopologyFolder
    let events: String
    let count: Int

    /// A program in Python that answers twice its record's number and a letter, and does something before each line.
    private static func python(_ before: String, buffers: Bool = false) -> String {
        """
        import json, os, sys, time
        count = 0
        eaten = []
        for line in sys.stdin:
            count += 1
            record = json.loads(line)
            \(before)
            print(json.dumps({"twice": record["n"] * 2, "letter": "abc"[record["n"] % 3]}), flush=\(buffers ? "False" : "True"))

        """
    }

    /// - Parameters:
    ///   - count: how many events there are, numbered from 0.
    ///   - padding: bytes that each has beside its fields: files are read some 64 KiB at a time.
    init(count: Int, padding: Int = 0) throws {
        folder = try TopologyFolder()
        self.count = count
        let lines = (0..<count).map { number -> String in
            let pad = String(repeating: "x", count: padding)
            return "{\"ts\": \"2026-01-01T\(String(10 + number % 3)):00:00Z\", \"n\": \(number), "
                + "\"user\": \"u\(number % 97)\", \"pad\": \"\(pad)\"}\n"
        }
        events = try folder.file(named: "events.ndjson", lines.joined())
    }

    /// A program of its own, by its path, as the command of a node.
    func python(named name: String, _ before: String = "pass", buffers: Bool = false) throws -> String {
        "[python3, \"\(try folder.file(named: name + ".py", Self.python(before, buffers: buffers)))\"]"
    }

    /// The same by jq, which writes when its input ends.
    static let jq = "[jq, -c, '{twice: (.n * 2), letter: \"abc\"[(.n % 3):(.n % 3 + 1)]}']"

    /// A topology in which an `exec` node stands between the events and a table.
    func topology(
        _ exec: String, concurrency: Int = 1, settings: String = "", batchBytes: String = "8KiB"
    ) -> String {
        """
        topology: programs
        commit_interval: 10ms
        batch_bytes: \(batchBytes)
        \(settings)nodes:
          events: { file: "\(events)" }
          records: { from: events, parse_json: { event_time: ts, fields: { ts: timestamp, n: integer, user: text } } }
          answered:
            from: records
            exec: { \(exec), send: [n], add: { twice: integer, letter: text } }
            concurrency: \(concurrency)
          kpi:
            from: answered
            summarize:
              window: 1h
              by: [letter]
              metrics: { records: count(), total: sum(twice), users: uniques(user), last: last(twice), half: "percentiles(twice, 50)" }
          table: { from: kpi, postgres: { url: "${DATABASE_URL}", table: kpi } }

        """
    }

    static let parts = [TableDump.Part.summary("kpi", hasWindow: true), .deadLetters, .ledger]

    /// Processes whose arguments hold a text, of which each stands for one running program.
    static func running(_ text: String) -> [Int32] {
        processes.filter { id in
            let line = commandLine(of: id)
            // Hardly any has it, and who counts looks at all of them a hundred times a second.
            guard line.firstRange(of: text.utf8) != nil else { return false }
            let words = String(decoding: line, as: UTF8.self).split(separator: "\0")
            // Shells that become the program name it too, for a moment; then they are the program.
            let isProgram = words.first?.split(separator: "/").last?.hasPrefix("python") ?? false
            return isProgram && words.dropFirst().contains { $0 == text }
        }
    }

    // Foundation would keep what it allocates for each of them until the thread ends: gigabytes in a test that only looks.

    private static var processes: [Int32] {
        guard let directory = unsafe opendir("/proc") else { return [] }
        defer { unsafe closedir(directory) }
        var found: [Int32] = []
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if let id = Int32(name) { found.append(id) }
        }
        return found
    }

    /// The beginning of a process's command line; nothing when it has ended.
    private static func commandLine(of id: Int32) -> ArraySlice<UInt8> {
        let file = unsafe open("/proc/\(id)/cmdline", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return [] }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 4_096)
        let count = unsafe read(file, &bytes, bytes.count)
        return bytes[..<max(0, count)]
    }
}
