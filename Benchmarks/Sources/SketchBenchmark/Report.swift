import Foundation

/// One line of the printed table.
func report(_ name: String, _ measured: Double, target: Double? = nil, unit: String, digits: Int = 2) {
    let value = rounded(measured, digits) + " " + unit
    var line = pad(name, 62) + pad(value, 16)
    if let target {
        line += pad("target \(rounded(target, digits))", 18)
        line += abs(measured) <= target ? "met" : "MISSED"
    }
    print(line)
}

/// A headline between lines.
func headline(_ text: String) { print("\n\(text)") }

private func pad(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(1, width - text.count))
}

private func rounded(_ value: Double, _ digits: Int) -> String {
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    let whole = (abs(value) * scale).rounded()
    let sign = value < 0 && whole > 0 ? "-" : ""
    let fraction = String(Int(whole.truncatingRemainder(dividingBy: scale)))
    let integer = String(Int((whole / scale).rounded(.down)))
    if digits == 0 { return sign + integer }
    return sign + integer + "." + String(repeating: "0", count: digits - fraction.count) + fraction
}

/// Processor time that `body` takes, in nanoseconds: other programs on the machine do not count.
func nanoseconds(_ body: () -> Void) -> Double {
    let start = processorTime()
    body()
    return processorTime() - start
}

private func processorTime() -> Double {
    var time = timespec()
    guard clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) == 0 else { fatalError("no processor clock") }
    return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
}

/// Seeded random bits (SplitMix64).
struct RandomBits: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
