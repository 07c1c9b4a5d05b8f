/// The newest samples of a figure, one for each step of time; a fixed number of them. What was not measured is NaN.
package struct Ring: Sendable {
    /// Oldest first from `next` on, once it is full.
    private var values: [Float]
    private var next = 0
    /// The step of the newest sample.
    private var lastStep: Int?

    /// Nothing is known yet.
    /// - Parameter count: samples that it holds; it takes four bytes for each, from now on.
    package init(count: Int) { values = Array(repeating: .nan, count: count) }

    /// Takes the sample of a step; steps that were left out are not known. One of a step before the newest is ignored.
    package mutating func record(_ value: Double, step: Int) {
        let gap = lastStep.map { step - $0 } ?? 1
        guard gap > 0 else { return }
        for _ in 0..<min(gap - 1, values.count) { append(.nan) }
        append(Float(value))
        lastStep = step
    }

    private mutating func append(_ value: Float) {
        values[next] = value
        next = next + 1 == values.count ? 0 : next + 1
    }

    /// The samples up to a step, oldest first; what came after the newest is not known.
    package func samples(upTo step: Int) -> [Double] {
        let behind = min(values.count, max(0, step - (lastStep ?? step)))
        let all = (values[next...] + values[..<next]).map(Double.init)
        return Array(all.dropFirst(behind)) + Array(repeating: .nan, count: behind)
    }
}

/// A figure by the second for a quarter of an hour, and by the minute for a day.
package struct FigureHistory: Sendable {
    /// Samples by the second, and by the minute.
    static let (seconds, minutes) = (900, 1_440)
    /// What one of them takes.
    static let bytes = (seconds + minutes) * MemoryLayout<Float>.size

    private var bySecond = Ring(count: seconds)
    private var byMinute = Ring(count: minutes)
    /// Of the minute that has not ended.
    private var (sum, count, minute) = (0.0, 0, 0)

    mutating func record(_ value: Double, second: Int) {
        bySecond.record(value, step: second)
        if second / 60 != minute {
            if count > 0 { byMinute.record(sum / Double(count), step: minute) }
            (sum, count, minute) = (0, 0, second / 60)
        }
        if value.isFinite { (sum, count) = (sum + value, count + 1) }
    }

    /// What is known of a stretch of time, oldest first.
    package func samples(_ span: HistorySpan, upTo second: Int) -> [Double] {
        switch span {
        case .quarterHour: bySecond.samples(upTo: second)
        case .day: byMinute.samples(upTo: second / 60)
        }
    }
}

/// How far back a chart of the page reaches.
package enum HistorySpan: String, Sendable, CaseIterable {
    case quarterHour = "15m"
    case day = "24h"

    var seconds: Double { self == .quarterHour ? 900 : 86_400 }
    var title: String { self == .quarterHour ? "15 minutes" : "24 hours" }
}
