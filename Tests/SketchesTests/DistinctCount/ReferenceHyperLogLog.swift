import Sketches

/// The specification once more, as plainly as it can be written: a set of hashes, an array of registers, a string of
/// bits. Shares no code with the module.
struct ReferenceHyperLogLog {
    let parameters: HyperLogLogParameters
    private(set) var hashes: Set<UInt64> = []

    init(parameters: HyperLogLogParameters) { self.parameters = parameters }

    mutating func insert(_ hash: UInt64) { hashes.insert(hash) }

    var registers: [Int] {
        var registers = [Int](repeating: 0, count: 1 << parameters.log2m)
        for hash in hashes {
            let rest = hash >> UInt64(parameters.log2m)
            if rest == 0 { continue }
            let index = Int(hash % UInt64(registers.count))
            var value = 1
            while rest >> UInt64(value - 1) & 1 == 0 { value += 1 }
            registers[index] = max(registers[index], min(value, (1 << parameters.registerWidth) - 1))
        }
        return registers
    }

    func encode() -> [UInt8] {
        let m = 1 << parameters.log2m
        let width = parameters.registerWidth
        let limit = parameters.explicitThreshold < 0 ? m * width / 64 : parameters.explicitThreshold
        let code =
            switch parameters.explicitThreshold {
            case -1: 63
            case 0: 0
            case let threshold: threshold.trailingZeroBitCount + 1
            }
        let tail = [
            UInt8((width - 1) * 32 + parameters.log2m), UInt8((parameters.sparse ? 64 : 0) + code),
        ]
        if hashes.isEmpty { return [0x11] + tail }
        if hashes.count <= limit {
            let sorted = hashes.map { Int64(bitPattern: $0) }.sorted()
            return [0x12] + tail
                + sorted.flatMap { hash in (0..<8).map { UInt8(truncatingIfNeeded: hash >> (56 - 8 * $0)) } }
        }
        let registers = registers
        let filled = registers.indices.filter { registers[$0] != 0 }
        var bits: [Bool] = []
        func append(_ value: Int, _ count: Int) {
            for bit in (0..<count).reversed() { bits.append(value >> bit & 1 == 1) }
        }
        let isSparse = parameters.sparse && filled.count * (parameters.log2m + width) < m * width
        if isSparse {
            for index in filled { append(index << width | registers[index], parameters.log2m + width) }
        } else {
            for value in registers { append(value, width) }
        }
        while bits.count % 8 != 0 { bits.append(false) }
        let body = stride(from: 0, to: bits.count, by: 8).map { start in
            bits[start..<start + 8].reduce(UInt8(0)) { $0 << 1 | ($1 ? 1 : 0) }
        }
        return [isSparse ? 0x13 : 0x14] + tail + body
    }
}

extension [UInt8] {
    /// Lower-case hexadecimal digits.
    var hex: String {
        var text = ""
        for byte in self {
            let digits = String(byte, radix: 16)
            text += digits.count == 1 ? "0" + digits : digits
        }
        return text
    }

    init(hex: String) {
        let digits = hex.utf8.map { UInt8($0 > 57 ? $0 - 87 : $0 - 48) }
        self = stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }
}

extension HyperLogLog {
    init(parameters: HyperLogLogParameters, hashes: some Sequence<UInt64>) {
        self.init(parameters: parameters)
        for hash in hashes { insert(hash) }
    }

    init(decoding bytes: [UInt8]) throws {
        self = try unsafe bytes.withUnsafeBytes { try unsafe HyperLogLog(encoded: $0) }
    }

    mutating func merge(decoding bytes: [UInt8]) throws {
        try unsafe bytes.withUnsafeBytes { try unsafe merge(encoded: $0) }
    }

    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        encode(into: &bytes)
        return bytes
    }
}

extension DistinctCountTable {
    func bytes(_ group: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        encode(group: group, into: &bytes)
        return bytes
    }
}
