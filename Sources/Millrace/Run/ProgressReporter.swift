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

        init() {}
        init(_ snapshot: ProgressSnapshot) { self.snapshot = snapshot }

        /// Records per second since another sample.
        func rate(since other: Sample) -> Double {
            let elapsed = (time - other.time) / .seconds(1)
            return elapsed > 0 ? Double(snapshot.records - other.snapshot.records) / elapsed : 0
        }
    }

    static func line(_ name: String, _ sample: Sample, since last: Sample) -> String {
        let snapshot = sample.snapshot
        var text = "\(name): \(count(snapshot.records)) events, \(count(Int64(sample.rate(since: last))))/s"
        if let lag = snapshot.lag { text += ", lag \(count(lag))" }
        if let commit = snapshot.lastCommit { text += ", commit \(Int(commit / .milliseconds(1))) ms" }
        text += ", memory \(held(snapshot) >> 20)/\(snapshot.budget >> 20) MiB"
        if snapshot.deadLetters > 0 { text += ", dead letters \(count(snapshot.deadLetters))" }
        if let trouble = snapshot.troubles.first { text += " — \(trouble.prefix(80))" }
        return text
    }

    static func metadata(_ name: String, _ sample: Sample, since last: Sample) -> Logger.Metadata {
        let snapshot = sample.snapshot
        var result: Logger.Metadata = [
            "topology": "\(name)", "events": "\(snapshot.records)", "rate": "\(Int(sample.rate(since: last)))",
            "epochs": "\(snapshot.epochs)", "dead": "\(snapshot.deadLetters)",
            "memory_mib": "\(held(snapshot) >> 20)",
        ]
        for (part, bytes) in snapshot.memory where bytes > 0 { result["memory_\(part)_mib"] = "\(bytes >> 20)" }
        if let lag = snapshot.lag { result["lag"] = "\(lag)" }
        if let commit = snapshot.lastCommit { result["commit_ms"] = "\(Int(commit / .milliseconds(1)))" }
        return result
    }

    private static func held(_ snapshot: ProgressSnapshot) -> Int { snapshot.memory.reduce(0) { $0 + $1.bytes } }

    /// 1234567 as 1,234,567.
    static func count(_ number: Int64) -> String {
        number.formatted(.number.grouping(.automatic).locale(Locale(identifier: "en_US")))
    }
}
