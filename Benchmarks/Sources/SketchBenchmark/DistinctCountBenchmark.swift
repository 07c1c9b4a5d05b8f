import Foundation
import Sketches

/// Error, memory and time of distinct-count sketches, beside the targets.
func distinctCountBenchmark(quick: Bool, only part: String? = nil) {
    let keys = quick ? 500_000 : 5_000_000
    let parts: [(name: String, run: () -> Void)] = [
        ("error", { errors(quick: quick) }),
        ("compact", { population("compact 12/5/0", .compact, keys: keys, bytesPerKey: 38) }),
        ("standard", { population("standard 12/5/8", .standard, keys: keys, bytesPerKey: 52) }),
        ("dense", denseSizes),
        ("hot", hotUpdates),
        ("commit", commitPath),
        ("hash", hashing),
    ]
    for item in parts where part == nil || part == item.name { item.run() }
}

// MARK: error

private func errors(quick: Bool) {
    headline("distinct count, relative error by number of values (percent)")
    for (parameters, deviation, bias, trials) in [
        (HyperLogLogParameters.compact, 1.70, 0.20 as Double?, quick ? 100 : 1000),
        (preciseRegisters, 0.85, nil, quick ? 30 : 250),
    ] {
        let checkpoints = [100, 300, 1000, 3000, 10_000, 30_000, 40_000, 100_000, 300_000, 1_000_000]
        var squares = [Double](repeating: 0, count: checkpoints.count)
        var sums = squares
        var hashes = [UInt64](repeating: 0, count: 1024)
        let groups = [UInt32](repeating: 0, count: 1024)
        for trial in 0..<trials {
            var random = RandomBits(state: UInt64(trial) << 32)
            var table = DistinctCountTable(parameters: parameters)
            table.grow(to: 1)
            var inserted = 0
            for (index, checkpoint) in checkpoints.enumerated() {
                while inserted < checkpoint {
                    let batch = min(1024, checkpoint - inserted)
                    for k in 0..<batch { hashes[k] = random.next() }
                    table.insert(hashes: hashes, valid: nil, rows: nil, groups: groups, count: batch)
                    inserted += batch
                }
                let error = table.estimate(group: 0) / Double(checkpoint) - 1
                squares[index] += error * error
                sums[index] += error
            }
        }
        for (index, checkpoint) in checkpoints.enumerated() {
            let name = "log2m \(parameters.log2m), n = \(checkpoint), \(trials) trials"
            report(
                "\(name): RMSE", 100 * (squares[index] / Double(trials)).squareRoot(), target: deviation, unit: "%",
                digits: 3)
            report("\(name): bias", 100 * sums[index] / Double(trials), target: bias, unit: "%", digits: 3)
        }
    }
}

private let preciseRegisters: HyperLogLogParameters = {
    do { return try HyperLogLogParameters(log2m: 14, explicitThreshold: 0) } catch { fatalError("\(error)") }
}()

// MARK: memory and random updates

/// Distinct values per key: floor(keys/5 * rank^-0.8756), at least one; median 2, mean 8.9 at 5 million keys.
private func sizes(keys: Int) -> [Int] {
    (1...keys).map { max(1, Int(1_000_000 * pow(Double($0) * 5_000_000 / Double(keys), -0.8756))) }
}

private func residentBytes() -> Int {
    guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else { return 0 }
    let fields = text.split(separator: " ")
    return (Int(fields[1]) ?? 0) * 4096
}

private func population(_ name: String, _ parameters: HyperLogLogParameters, keys: Int, bytesPerKey: Double) {
    headline("distinct count \(name), \(keys) keys, every value of every key in random order")
    let counts = sizes(keys: keys)
    let total = counts.reduce(0, +)
    report("median values of a key", Double(counts.sorted()[keys / 2]), unit: "", digits: 1)
    report("mean values of a key", Double(total) / Double(keys), unit: "", digits: 2)

    // All (key, value) pairs in random order.
    let groups = UnsafeMutablePointer<UInt32>.allocate(capacity: total)
    let hashes = UnsafeMutablePointer<UInt64>.allocate(capacity: 8192)
    defer {
        groups.deallocate()
        hashes.deallocate()
    }
    var next = 0
    for (key, count) in counts.enumerated() {
        for _ in 0..<count {
            groups[next] = UInt32(key)
            next += 1
        }
    }
    var random = RandomBits(state: 7)
    for place in stride(from: total - 1, to: 0, by: -1) {
        let other = Int(random.next() % UInt64(place + 1))
        (groups[place], groups[other]) = (groups[other], groups[place])
    }

    let before = residentBytes()
    var table = DistinctCountTable(parameters: parameters)
    table.grow(to: keys)
    var spent = 0.0
    var start = 0
    var last = 0.0
    var lastCount = 0
    while start < total {
        let batch = min(8192, total - start)
        for k in 0..<batch { hashes[k] = random.next() }
        let time = nanoseconds {
            table.insert(hashes: hashes, valid: nil, rows: nil, groups: groups + start, count: batch)
        }
        spent += time
        if start > total - total / 10 {
            last += time
            lastCount += batch
        }
        start += batch
    }
    let scale = Double(keys)
    report("bytes per key, all the table holds", Double(table.memoryBytes) / scale, target: bytesPerKey, unit: "B")
    report(
        "bytes per key, resident set as the system counts", Double(residentBytes() - before) / scale,
        target: bytesPerKey, unit: "B")
    report("update, random over all keys, mean", spent / Double(total), target: 400, unit: "ns", digits: 1)
    report("update, random, last tenth (largest table)", last / Double(lastCount), target: 400, unit: "ns", digits: 1)

    // Uniform over keys: nearly every update misses every cache.
    var uniform = 0.0
    for _ in 0..<200 {
        for k in 0..<8192 {
            hashes[k] = random.next()
            groups[k] = UInt32(random.next() % UInt64(keys))
        }
        uniform += nanoseconds { table.insert(hashes: hashes, valid: nil, rows: nil, groups: groups, count: 8192) }
    }
    report("update, uniform over all keys", uniform / (200 * 8192), target: 400, unit: "ns", digits: 1)

    var sum = 0.0
    let estimating = nanoseconds { for key in 0..<keys { sum += table.estimate(group: key) } }
    report("estimate, mean over all keys", estimating / scale, unit: "ns", digits: 1)
    report("sum of estimates / true sum - 1", 100 * (sum / Double(total + 200 * 8192) - 1), unit: "%", digits: 3)

    var accumulator = HyperLogLog(parameters: parameters)
    var bytes: [UInt8] = []
    var stored = 0
    let encoding = nanoseconds {
        for key in 0..<keys {
            accumulator.reset()
            table.load(group: key, into: &accumulator)
            bytes.removeAll(keepingCapacity: true)
            accumulator.encode(into: &bytes)
            stored += bytes.count
        }
    }
    report("load + encode, mean over all keys", encoding / scale, unit: "ns", digits: 1)
    report("stored bytes per key", Double(stored) / scale, unit: "B")

    var merged = DistinctCountTable(parameters: parameters)
    merged.grow(to: keys)
    let identity = (0..<keys).map { UInt32($0) }
    let copying = nanoseconds { merged.merge(table, groupMap: identity) }
    report("merge into an empty table, per key", copying / scale, unit: "ns", digits: 1)
    let merging = nanoseconds { merged.merge(table, groupMap: identity) }
    report("merge into an equal table, per key", merging / scale, unit: "ns", digits: 1)
    let removing = nanoseconds { table.removeAll(keepingCapacity: false) }
    report("removeAll, everything", removing / 1e6, unit: "ms")
}

// MARK: dense sketches, hot updates

private func denseSizes() {
    headline("distinct count, dense sketch (four values per register)")
    for (parameters, target) in [(HyperLogLogParameters.compact, 2100.0), (preciseRegisters, 8400.0)] {
        var random = RandomBits(state: 3)
        var table = DistinctCountTable(parameters: parameters)
        var measured = [0, 0]
        for half in 0..<2 {
            let groups = 600
            table.grow(to: groups * (half + 1))
            for group in groups * half..<groups * (half + 1) {
                for _ in 0..<parameters.registerCount * 4 { table.insert(hash: random.next(), group: group) }
            }
            measured[half] = table.memoryBytes
        }
        report(
            "bytes of a sketch, log2m \(parameters.log2m)", Double(measured[1] - measured[0]) / 600, target: target,
            unit: "B", digits: 0)
    }
}

private func hotUpdates() {
    headline("distinct count, updates of hot sketches (8,192 hashes at a time)")
    for (name, groups, distinct, parameters) in [
        ("one group, 1,000,000 values", 1, 1_000_000, HyperLogLogParameters.standard),
        ("600 groups, 2,000 values each", 600, 2_000, .standard),
        ("600 groups, 300 values each", 600, 300, .standard),
        ("600 groups, 20 values each", 600, 20, .standard),
        ("600 groups, 5 values each", 600, 5, .standard),
        ("600 groups, 2 values each", 600, 2, .compact),
        ("600 groups, 20,000 values each, log2m 14", 600, 20_000, .precise),
    ] {
        var random = RandomBits(state: 5)
        var table = DistinctCountTable(parameters: parameters)
        table.grow(to: groups)
        var hashes = [UInt64](repeating: 0, count: 8192)
        var ids = [UInt32](repeating: 0, count: 8192)
        func fill(group: Int, value: Int, at k: Int) {
            ids[k] = UInt32(group)
            hashes[k] = MurmurHash3.hash(Int64(group << 24 | value))
        }
        for group in 0..<groups {
            for value in 0..<distinct { table.insert(hash: MurmurHash3.hash(Int64(group << 24 | value)), group: group) }
        }
        var spent = 0.0
        let rounds = 200
        for _ in 0..<rounds {
            for k in 0..<8192 {
                fill(group: Int(random.next() % UInt64(groups)), value: Int(random.next() % UInt64(distinct)), at: k)
            }
            spent += nanoseconds { table.insert(hashes: hashes, valid: nil, rows: nil, groups: ids, count: 8192) }
        }
        report("update, \(name)", spent / Double(rounds * 8192), target: 15, unit: "ns")
    }
    // One fresh group from empty to a million: every layout on the way.
    var random = RandomBits(state: 6)
    var hashes = [UInt64](repeating: 0, count: 8192)
    let ids = [UInt32](repeating: 0, count: 8192)
    var table = DistinctCountTable(parameters: .standard)
    table.grow(to: 1)
    var spent = 0.0
    for _ in 0..<122 {
        for k in 0..<8192 { hashes[k] = random.next() }
        spent += nanoseconds { table.insert(hashes: hashes, valid: nil, rows: nil, groups: ids, count: 8192) }
    }
    report("update, one group growing from 0 to 1,000,000", spent / (122 * 8192), target: 15, unit: "ns")
}

// MARK: commit path

private func commitPath() {
    headline("distinct count, at commit: read stored bytes, merge the delta, encode, estimate")
    for (values, target) in [(3, nil as Double?), (30, nil), (300, nil), (3000, nil), (1_000_000, 5)] {
        var random = RandomBits(state: 8)
        var table = DistinctCountTable(parameters: .standard)
        table.grow(to: 1)
        var stored = HyperLogLog(parameters: .standard)
        for _ in 0..<values {
            table.insert(hash: random.next(), group: 0)
            stored.insert(random.next())
        }
        var storedBytes: [UInt8] = []
        stored.encode(into: &storedBytes)
        var accumulator = HyperLogLog(parameters: .standard)
        var bytes: [UInt8] = []
        let rounds = 20_000
        var estimates = 0.0
        // Each step is timed with those before it; the differences are printed.
        func time(steps: Int) -> Double {
            nanoseconds {
                for _ in 0..<rounds {
                    accumulator.reset()
                    storedBytes.withUnsafeBytes {
                        do { try accumulator.merge(encoded: $0) } catch { fatalError("\(error)") }
                    }
                    if steps > 1 { table.load(group: 0, into: &accumulator) }
                    if steps > 2 {
                        bytes.removeAll(keepingCapacity: true)
                        accumulator.encode(into: &bytes)
                    }
                    if steps > 3 { estimates += accumulator.estimate() }
                }
            } / Double(rounds) / 1000
        }
        let each = (1...4).map { time(steps: $0) }
        let name = "\(values) + \(values) values"
        report("\(name): reset, merge stored", each[0], unit: "µs")
        report("\(name): load delta", each[1] - each[0], unit: "µs")
        report("\(name): encode", each[2] - each[1], unit: "µs")
        report("\(name): estimate", each[3] - each[2], target: target, unit: "µs")
        let direct = nanoseconds { for _ in 0..<rounds { estimates += table.estimate(group: 0) } }
        report("\(name): estimate from the table", direct / Double(rounds) / 1000, target: 5, unit: "µs")
        if estimates < 0 { print("estimates cannot be negative") }
    }
}

private func hashing() {
    headline("MurmurHash3, whole columns of 8,192 rows")
    var random = RandomBits(state: 9)
    let hashes = UnsafeMutablePointer<UInt64>.allocate(capacity: 8192)
    defer { hashes.deallocate() }
    let integers = (0..<8192).map { _ in Int64(bitPattern: random.next()) }
    let spent = nanoseconds { for _ in 0..<200 { MurmurHash3.hashIntegers(integers, count: 8192, into: hashes) } }
    report("integer", spent / (200 * 8192), unit: "ns")
    for length in [5, 8, 12, 16, 24, 36] {
        let text = (0..<8192 * length).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        let slices = (0..<8192).flatMap { [UInt32($0 * length), UInt32(length)] }
        let spent = text.withUnsafeBytes { text in
            slices.withUnsafeBytes { slices in
                nanoseconds {
                    for _ in 0..<200 {
                        MurmurHash3.hashText(
                            base: text.baseAddress!, slices: slices.baseAddress!, count: 8192, into: hashes)
                    }
                }
            }
        }
        report("text of \(length) bytes", spent / (200 * 8192), unit: "ns")
    }
}
