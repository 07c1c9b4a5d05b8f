import Dataflow
import Foundation
import Logging
import Synchronization

/// Whether a progress line is on the terminal.
enum ProgressLine {
    static let isShown = Atomic(false)
}

/// Shows what pipelines are doing: a line that is repainted on a terminal, log lines elsewhere. Silent when nothing
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
        ProgressLine.isShown.store(true, ordering: .relaxed)
        var last = Array(repeating: Sample(), count: pipelines.count)
        while await pause(.milliseconds(500)) {
            var parts: [String] = []
            for (index, entry) in pipelines.enumerated() {
                let sample = Sample(entry.pipeline.progress())
                parts.append(Self.line(entry.name, sample, since: last[index]))
                last[index] = sample
            }
            StandardError.writeProgress(parts.joined(separator: " | "))
        }
        ProgressLine.isShown.store(false, ordering: .relaxed)
        StandardError.writeProgress("")
    }

    private func log() async {
        var last = Array(repeating: Sample(), count: pipelines.count)
        while await pause(.seconds(10)) {
            for (index, entry) in pipelines.enumerated() {
                let sample = Sample(entry.pipeline.progress())
                defer { last[index] = sample }
                guard sample.snapshot.records != last[index].snapshot.records else { continue }
                logger.info("Progress", metadata: Self.metadata(entry.name, sample, since: last[index]))
            }
        }
    }

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
        var resident: Int?

        init() {}
        init(_ snapshot: ProgressSnapshot, resident: Int? = ProcessMemory.residentBytes) {
            self.snapshot = snapshot
            self.resident = resident
        }

        /// Records per second since another sample.
        func rate(since other: Sample) -> Double {
            let elapsed = (time - other.time) / .seconds(1)
            return elapsed > 0 ? Double(snapshot.records - other.snapshot.records) / elapsed : 0
        }
    }

    /// The progress line, of at most `columnsMax` characters. Trouble goes before memory, which comes by part:
    ///
    ///     kpis: 12.3M events, 412k/s, lag 1.2M, commit 35 ms, 171/256 MiB (queues 9/38 batches 10 groups 83 …), resident 168
    static func line(_ name: String, _ sample: Sample, since last: Sample) -> String {
        let snapshot = sample.snapshot
        let memory = snapshot.memory
        var text = "\(name): \(short(snapshot.records)) events, \(short(Int64(sample.rate(since: last))))/s"
        if let lag = snapshot.lag { text += ", lag \(short(lag))" }
        if let commit = snapshot.lastCommit { text += ", commit \(Int(commit / .milliseconds(1))) ms" }
        if snapshot.deadLetters > 0 { text += ", dead \(short(snapshot.deadLetters))" }
        text += ", \(memory.total >> 20)/\(memory.budget >> 20) MiB"
        if let trouble = snapshot.troubles.first { return String("\(text) — \(trouble)".prefix(columnsMax)) }
        let parts = MemoryAccountant.Part.allCases.filter { memory[$0] >> 20 > 0 }.map { part in
            let queued = part == .queues ? snapshot.queued.map { "\($0 >> 20)/" } ?? "" : ""
            return "\(part) \(queued)\(memory[part] >> 20)"
        }
        // What does not fit is left out, from the back: the program's own share is always the same.
        for count in (1...max(1, parts.count)).reversed() {
            var line = text + " (\(parts.prefix(count).joined(separator: " ")))"
            if let resident = sample.resident { line += ", resident \(resident >> 20)" }
            if line.count <= columnsMax { return line }
        }
        return String(text.prefix(columnsMax))
    }

    /// The columns a terminal is sure to have.
    static let columnsMax = 120

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
        if let queued = snapshot.queued { result["queued_mib"] = "\(queued >> 20)" }
        if let resident = sample.resident { result["resident_mib"] = "\(resident >> 20)" }
        if let lag = snapshot.lag { result["lag"] = "\(lag)" }
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
