import Dataflow
import Foundation
import Logging

/// Shows what pipelines are doing: a line each that is repainted on a terminal, log lines elsewhere. Silent when nothing
/// happens.
struct ProgressReporter: Sendable {
    let style: ProgressStyle
    let logger: Logger
    let pipelines: [(name: String, pipeline: Pipeline)]

    /// Reports until cancelled.
    func run() async {
        switch style.resolved {
        case .line: await repaint()
        case .log, .auto: await log()
        case .none: break
        }
    }

    private func repaint() async {
        var last = Array(repeating: Sample(), count: pipelines.count)
        while await pause(.milliseconds(500)) {
            let columns = Terminal.columns(of: STDERR_FILENO)
            var lines: [String] = []
            for (index, entry) in pipelines.enumerated() {
                let sample = Sample(entry.pipeline.progress())
                lines.append(Self.line(entry.name, sample, since: last[index], columns: columns))
                last[index] = sample
            }
            StandardError.writeProgress(lines)
        }
        StandardError.writeProgress([])
    }

    private func log() async {
        var last = Array(repeating: Sample(), count: pipelines.count)
        var lines = 0
        while await pause(Self.logInterval(after: lines)) {
            lines += 1
            for (index, entry) in pipelines.enumerated() {
                let sample = Sample(entry.pipeline.progress())
                defer { last[index] = sample }
                guard sample.hasNews(since: last[index]) else { continue }
                logger.info("Progress", metadata: Self.metadata(entry.name, sample, since: last[index]))
            }
        }
    }

    /// How long after so many log lines the next one comes: soon at the beginning, when somebody watches; then once a
    /// minute.
    static func logInterval(after lines: Int) -> Duration { lines < 12 ? .seconds(10) : .seconds(60) }

    private func pause(_ duration: Duration) async -> Bool {
        do {
            try await Task.sleep(for: duration)
            return true
        } catch {
            return false
        }
    }

    /// A snapshot and when it was taken.
    struct Sample {
        var snapshot = ProgressSnapshot()
        var time = ContinuousClock.now
        /// Bytes of the whole process.
        var anonymous: Int?

        init() {}
        init(_ snapshot: ProgressSnapshot, anonymous: Int? = ProcessMemory.anonymousBytes) {
            self.snapshot = snapshot
            self.anonymous = anonymous
        }

        /// Records per second since another sample.
        func rate(since other: Sample) -> Double {
            let elapsed = (time - other.time) / .seconds(1)
            return elapsed > 0 ? Double(snapshot.records - other.snapshot.records) / elapsed : 0
        }

        /// Whether there is anything to say: records came, or wait, or something is in their way.
        func hasNews(since other: Sample) -> Bool {
            snapshot.records != other.snapshot.records || (snapshot.lag ?? 0) > 0 || snapshot.uncommitted > 0
                || !snapshot.troubles.isEmpty
        }
    }

    /// The progress line, no wider than the terminal. Trouble goes before memory, which comes by part:
    ///
    ///     kpis: 12.3M events, 412k/s, lag 1.2M, 171/256 MiB (queues 9/38 batches 10 groups 83 …), anonymous 168, commit 9 ms
    static func line(_ name: String, _ sample: Sample, since last: Sample, columns: Int) -> String {
        let snapshot = sample.snapshot
        let memory = snapshot.memory
        var text = "\(name): \(short(snapshot.records)) events, \(short(Int64(sample.rate(since: last))))/s"
        if let lag = snapshot.lag { text += ", lag \(short(lag))" }
        if snapshot.deadLetters > 0 { text += ", dead \(short(snapshot.deadLetters))" }
        if snapshot.refused > 0 { text += ", refused \(short(snapshot.refused))" }
        if let trouble = snapshot.troubles.first { return String("\(text): \(trouble)".prefix(columns)) }
        text += ", \(memory.total >> 20)/\(memory.budget >> 20) MiB"
        // What does not fit is left out: the last commit first, then parts from the back; the program's is always the same.
        let anonymous = sample.anonymous.map { ", anonymous \($0 >> 20)" } ?? ""
        let parts = parts(of: snapshot)
        for count in (0...parts.count).reversed() {
            let list = count == 0 ? "" : " (\(parts.prefix(count).joined(separator: " ")))"
            let line = text + list + anonymous
            guard line.count <= columns else { continue }
            let commit = snapshot.lastCommit.map { ", commit \(Int($0 / .milliseconds(1))) ms" } ?? ""
            return line.count + commit.count <= columns ? line + commit : line
        }
        return String(text.prefix(columns))
    }

    /// The parts that hold something in MiB; of the queues, what waits of what is set aside.
    private static func parts(of snapshot: ProgressSnapshot) -> [String] {
        MemoryAccountant.Part.allCases.filter { snapshot.memory[$0] >> 20 > 0 }.map { part in
            let queued = part == .queues ? snapshot.queued.map { "\($0 >> 20)/" } ?? "" : ""
            return "\(part) \(queued)\(snapshot.memory[part] >> 20)"
        }
    }

    static func metadata(_ name: String, _ sample: Sample, since last: Sample) -> Logger.Metadata {
        let snapshot = sample.snapshot
        var result: Logger.Metadata = [
            "topology": "\(name)", "events": "\(snapshot.records)", "rate": "\(Int(sample.rate(since: last)))",
            "epochs": "\(snapshot.epochs)", "dead": "\(snapshot.deadLetters)",
            "memory_mib": "\(snapshot.memory.total >> 20)", "budget_mib": "\(snapshot.memory.budget >> 20)",
        ]
        for part in MemoryAccountant.Part.allCases where snapshot.memory[part] > 0 {
            result["memory_\(part)_mib"] = "\(snapshot.memory[part] >> 20)"
        }
        if snapshot.refused > 0 { result["refused"] = "\(snapshot.refused)" }
        if let queued = snapshot.queued { result["queued_mib"] = "\(queued >> 20)" }
        if let anonymous = sample.anonymous { result["anonymous_mib"] = "\(anonymous >> 20)" }
        if let lag = snapshot.lag { result["lag"] = "\(lag)" }
        if snapshot.uncommitted > 0 { result["uncommitted"] = "\(snapshot.uncommitted)" }
        if let trouble = snapshot.troubles.first { result["trouble"] = "\(trouble)" }
        if let commit = snapshot.lastCommit { result["commit_ms"] = "\(Int(commit / .milliseconds(1)))" }
        return result
    }

    /// 1234567 as 1.2M.
    static func short(_ number: Int64) -> String {
        switch number {
        case ..<10_000: return String(number)
        case ..<1_000_000: return "\(number / 1_000)k"
        default:
            let units: [(size: Double, name: String)] = [(1e6, "M"), (1e9, "G"), (1e12, "T")]
            let unit = units.last { Double(number) >= $0.size } ?? units[0]
            let value = Double(number) / unit.size
            return "\(value < 100 ? (value * 10).rounded(.down) / 10 : value.rounded(.down))"
                .replacing(/\.0$/, with: "") + unit.name
        }
    }

    /// 1234567 as 1,234,567.
    static func count(_ number: Int64) -> String {
        number.formatted(.number.grouping(.automatic).locale(Locale(identifier: "en_US")))
    }
}
