import Foundation

/// Events, and programs that are run after commits and write down what they were told.
struct StepPrograms {
    let folder: TopologyFolder
    let events: String
    /// Where programs write a line of JSON when they begin and one when they end.
    let log: String

    /// - Parameter count: how many events there are, of seven letters in three hours; files are read some 64 KiB at a time.
    init(count: Int) throws {
        folder = try TopologyFolder()
        let pad = String(repeating: "x", count: 600)
        let lines = (0..<count).map { number in
            "{\"ts\": \"2026-01-01T\(String(10 + number * 3 / count)):00:00Z\", \"n\": \(number), "
                + "\"letter\": \"l\(number % 7)\", \"pad\": \"\(pad)\"}\n"
        }
        events = try folder.file(named: "events.ndjson", lines.joined())
        log = try folder.file(named: "log.ndjson", "")
    }

    /// A program in Python.
    /// - Parameters:
    ///   - middle: what it does between its two lines.
    func command(named name: String, _ middle: String = "pass") throws -> String {
        let path = try folder.file(
            named: name + ".py",
            """
            import json, os, sys, time
            rows = [json.loads(line) for line in sys.stdin]
            known = {name[9:].lower(): value for name, value in os.environ.items() if name.startswith("MILLRACE_")}
            def tell(**more):
                with open("\(log)", "a") as log:
                    log.write(json.dumps({**known, **more}) + "\\n")
            tell(is_begin=True)
            \(middle)
            tell(is_begin=False, sent=rows)

            """)
        return "[python3, \"\(path)\"]"
    }

    /// The path in such a command.
    static func path(_ command: String) -> String { command.split(separator: "\"").map(String.init)[1] }

    /// - Parameters:
    ///   - step: the settings of the program, nil for none.
    ///   - isSlow: whether records take half a millisecond each, so that there is time for something to happen.
    func topology(_ step: String?, isSlow: Bool = false) throws -> String {
        let slow = try folder.file(
            named: "letters.py",
            """
            import json, sys, time
            for line in sys.stdin:
                time.sleep(0.0005)
                print(json.dumps({"letter": json.loads(line)["letter"]}), flush=True)

            """)
        let letters = "exec: { command: [python3, \"\(slow)\"], send: [letter], add: { letter: text } }"
        return """
            topology: stepping
            commit_interval: 10ms
            batch_bytes: 8KiB
            nodes:
              events: { file: "\(events)" }
              records: { from: events, parse_json: { event_time: ts, fields: { ts: timestamp, n: integer, letter: text } } }
              letters: { from: records, \(isSlow ? letters : "keep: [ts, n, letter]") }
              kpi:
                from: letters
                summarize:
                  window: 1h
                  by: [letter]
                  metrics: { records: count(), total: sum(n), users: uniques(n) }
              table:
                from: kpi
                postgres: { url: "${DATABASE_URL}", table: kpi\(step.map { ", after_commit: { \($0) }" } ?? "") }

            """
    }

    static let parts = [TableDump.Part.summary("kpi", hasWindow: true), .deadLetters, .ledger]

    /// What a program has written down.
    struct Line: Decodable {
        struct Row: Decodable, Hashable {
            var windowStart: String
            var letter: String
            var records: Int
            var total: Int
            var users: Int

            enum CodingKeys: String, CodingKey {
                case windowStart = "window_start"
                case letter, records, total, users
            }
        }

        var isBegin: Bool
        var topology: String
        var node: String
        var table: String
        var epoch: String
        var epochFirst: String
        var key: String
        var `try`: String
        var rows: String
        var positions: String
        var sent: [Row]?

        enum CodingKeys: String, CodingKey {
            case isBegin = "is_begin"
            case epochFirst = "epoch_first"
            case topology, node, table, epoch, key, `try`, rows, positions, sent
        }

        var range: ClosedRange<Int> { (Int(epochFirst) ?? 0)...(Int(epoch) ?? 0) }
    }

    func lines() throws -> [Line] {
        try Data(contentsOf: URL(fileURLWithPath: log)).split(separator: UInt8(ascii: "\n")).map {
            try JSONDecoder().decode(Line.self, from: $0)
        }
    }
}
