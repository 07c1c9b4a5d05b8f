import Foundation
import Sketches

/// Prints what percentile sketches take in time, memory and bytes, beside the targets of the design.
func quantilesBenchmark() {
    print("percentiles                                        measured      target")
    indexCost()
    for kind in [QuantileValueKind.integer, .decimal(scale: 2), .double] { updateCost(kind) }
    randomUpdateCost()
    memoryPerGroup()
    mergeCost()
    storedSizes()
    worstError()
}

private func indexCost() {
    let values = (0..<4_096).map { _ in lognormal() }
    var sum: Int32 = 0
    let time = bestNanoseconds(per: 4_096 * 500) {
        for _ in 0..<500 { for value in values { sum &+= ExponentialScale.index(value) } }
    }
    keep(sum)
    report("index, ns", time, "<= 11")
}

private func updateCost(_ kind: QuantileValueKind) {
    for groups in [1, 64, 4_096] {
        var random = Generator(state: 3)
        let count = 1 << 20
        let doubles = (0..<count).map { _ in lognormal(&random) }
        let integers = doubles.map { Int64($0 * 100) }
        let targets = (0..<count).map { _ in UInt32(truncatingIfNeeded: random.next() % UInt64(groups)) }
        var table = QuantileTable(valueKind: kind)
        table.grow(to: groups)
        let time = bestNanoseconds(per: count) {
            insert(doubles, integers, targets, into: &table)
        }
        report("update \(kind), \(groups) hot groups, ns", time, groups == 4_096 ? "" : "<= 20")
    }
}

private func insert(_ doubles: [Double], _ integers: [Int64], _ groups: [UInt32], into table: inout QuantileTable) {
    if table.kind == .double {
        unsafe table.insert(doubles: doubles, valid: nil, rows: nil, groups: groups, count: groups.count)
    } else {
        unsafe table.insert(integers: integers, valid: nil, rows: nil, groups: groups, count: groups.count)
    }
}

/// Two million values over half a million skewed groups, as in a table by item.
private func randomUpdateCost() {
    var random = Generator(state: 5)
    let count = 2_000_000
    let groups = (0..<count).map { _ in
        UInt32(470_000 * pow(Double(random.next() >> 11) / Double(UInt64(1) << 53), 2))
    }
    let integers = (0..<count).map { _ in Int64(lognormal(&random) * 10) }
    var table = QuantileTable(valueKind: .integer)
    let start = now()
    table.grow(to: 470_000)
    for part in 0..<(count / 8_000) {
        let range = part * 8_000..<(part + 1) * 8_000
        insert([], Array(integers[range]), Array(groups[range]), into: &table)
    }
    report("update integer, 470,000 skewed groups, ns", (now() - start) / Double(count), "")
    report("  memory, B/group", Double(table.memoryBytes) / 470_000, "")
    var sketch = ExponentialHistogram(kind: .integer)
    var bytes: [UInt8] = []
    let encoding = now()
    for group in 0..<470_000 {
        sketch.reset()
        bytes.removeAll(keepingCapacity: true)
        try! table.load(group: group, into: &sketch)
        sketch.encode(into: &bytes)
        keep(sketch.quantile(0.95))
    }
    report("  load, encode and one percentile, ns/group", (now() - encoding) / 470_000, "")
}

private func memoryPerGroup() {
    for (values, target) in [(1, "<= 40"), (2, "<= 40"), (3, ""), (8, ""), (32, ""), (100, ""), (1_000, "")] {
        var random = Generator(state: 7)
        let groups = 4_000_000 / max(values, 40)
        var table = QuantileTable(valueKind: .double)
        table.grow(to: groups)
        let targets = Array(0..<UInt32(groups))
        for _ in 0..<values {
            insert(targets.map { _ in lognormal(&random) }, [], targets, into: &table)
        }
        report("memory, \(values) values a group, B/group", Double(table.memoryBytes) / Double(groups), target)
    }
}

private func mergeCost() {
    for values in [100, 1_000, 100_000] {
        var random = Generator(state: 9)
        var table = QuantileTable(valueKind: .double)
        table.grow(to: 1)
        insert((0..<values).map { _ in lognormal(&random) }, [], [UInt32](repeating: 0, count: values), into: &table)
        var bytes: [UInt8] = []
        table.encode(group: 0, into: &bytes)
        var sketch = ExponentialHistogram(kind: .double)
        let rounds = 2_000
        let time = bestNanoseconds(per: rounds) {
            for _ in 0..<rounds {
                sketch.reset()
                try! table.load(group: 0, into: &sketch)
                unsafe bytes.withUnsafeBytes { raw in
                    do { try unsafe sketch.merge(encoded: raw) } catch { fatalError("\(error)") }
                }
                var merged: [UInt8] = []
                merged.reserveCapacity(4_096)
                sketch.encode(into: &merged)
                keep(merged.count)
            }
        }
        report("read-merge-write of \(values) values, us", time / 1_000, "")
    }
}

private func storedSizes() {
    for (count, target) in [(100, 200), (1_000, 850), (10_000, 1_350), (1_000_000, 2_500)] {
        for kind in [QuantileValueKind.double, .decimal(scale: 2)] {
            var random = Generator(state: 11)
            var table = QuantileTable(valueKind: kind)
            table.grow(to: 1)
            let values = (0..<count).map { _ in lognormal(&random) }
            insert(values, values.map { Int64($0 * 100) }, [UInt32](repeating: 0, count: count), into: &table)
            var bytes: [UInt8] = []
            table.encode(group: 0, into: &bytes)
            report("stored, n = \(count) \(kind), bytes", Double(bytes.count), "<= \(target)")
        }
    }
}

private func worstError() {
    var worst = 0.0
    var random = Generator(state: 13)
    for _ in 0..<200 {
        var sketch = ExponentialHistogram(kind: .double)
        let values = (0..<1_001).map { _ in lognormal(&random) }
        for value in values { sketch.insert(value) }
        let sorted = values.sorted()
        for rank in 0...1_000 {
            guard let value = sketch.quantile(Double(rank) / 1_000) else { continue }
            let truth = sorted[Int((Double(rank) / 1_000 * 1_000).rounded(.down))]
            worst = max(worst, abs(value - truth) / truth)
        }
    }
    report("worst value error, per cent", worst * 100, "<= 0.5416")
}

// MARK: - Measuring

private struct Generator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return (state ^ state >> 29) &* 0xbf58_476d_1ce4_e5b9
    }
}

private func lognormal(_ random: inout Generator) -> Double {
    let u = Double.random(in: .leastNormalMagnitude...1, using: &random)
    let v = Double.random(in: 0...1, using: &random)
    return 100 * exp((-2 * log(u)).squareRoot() * cos(2 * .pi * v))
}

private func lognormal() -> Double {
    var system = SystemRandomNumberGenerator()
    var random = Generator(state: system.next())
    return lognormal(&random)
}

@inline(never)
private func keep<T>(_ value: T) {
    unsafe withUnsafePointer(to: value) { _ in }
}

private func now() -> Double { Double(DispatchTime.now().uptimeNanoseconds) }

/// The best of seven runs: what the code takes when nothing else does.
private func bestNanoseconds(per count: Int, _ body: () -> Void) -> Double {
    body()
    var best = Double.infinity
    for _ in 0..<7 {
        let start = now()
        body()
        best = min(best, now() - start)
    }
    return best / Double(count)
}

private func report(_ what: String, _ value: Double, _ target: String) {
    let text = String(format: value < 100 ? "%.2f" : "%.0f", value)
    print(
        what.padding(toLength: 48, withPad: " ", startingAt: 0),
        text.padding(toLength: 12, withPad: " ", startingAt: 0), target)
}
