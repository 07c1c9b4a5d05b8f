import Foundation
import Platform
import Sketches

/// Random percentile sketches of every kind and form, made by the engine's code.
struct SketchMaker {
    private var random: SeededRandom

    init(seed: UInt64) { random = SeededRandom(seed: seed) }

    static let kinds: [QuantileValueKind] = [.integer, .decimal(scale: 2), .decimal(scale: 18), .double]

    mutating func sketch(_ kind: QuantileValueKind, sizeMax: Int) -> ExponentialHistogram {
        var sketch = ExponentialHistogram(kind: kind)
        let shape = Int.random(in: 0..<6, using: &self)
        for _ in 0..<Int.random(in: 0...sizeMax, using: &self) {
            if kind == .double { sketch.insert(double(shape)) } else { sketch.insert(scaled: integer(shape)) }
        }
        return sketch
    }

    static func bytes(_ sketch: ExponentialHistogram) -> [UInt8] {
        var bytes: [UInt8] = []
        sketch.encode(into: &bytes)
        return bytes
    }

    static func hex(_ bytes: [UInt8]) -> String { bytes.map { String(format: "%02x", $0) }.joined() }

    private mutating func integer(_ shape: Int) -> Int64 {
        switch shape {
        case 0: Int64.random(in: 0...9, using: &self)
        case 1: Int64.random(in: 1...100_000, using: &self)
        case 2: Int64.random(in: -1_000...1_000, using: &self)
        case 3: Int64(bitPattern: next() >> UInt64.random(in: 0...63, using: &self))
        case 4: -Int64.random(in: 1...1 << 40, using: &self)
        default: Int64(exp(Double.random(in: 0...20, using: &self)))
        }
    }

    private mutating func double(_ shape: Int) -> Double {
        switch shape {
        case 0: return Double(Int64.random(in: 0...9, using: &self))
        case 1: return exp(Double.random(in: -3...9, using: &self))
        case 2: return Double.random(in: -1...1, using: &self)
        case 3:
            let value = Double(bitPattern: next())
            return value.isFinite ? value : 0
        case 4: return -exp(Double.random(in: -3...9, using: &self))
        default: return ExponentialScale.upperBound(Int32.random(in: -200...200, using: &self))
        }
    }
}

extension SketchMaker: RandomNumberGenerator {
    mutating func next() -> UInt64 {
        random.next()
    }
}
