import Foundation
import Platform
import Testing

@testable import Sketches

@Suite struct ExponentialScaleTests {
    @Test(.enabled(if: QuantileVectors.histogram != nil, "needs ../shared/data/sketch_vectors.json"))
    func agreesWithTheSharedVectors() throws {
        let vectors = try #require(QuantileVectors.histogram)
        #expect(
            vectors.boundary_mantissas_scale6 == ExponentialScale.boundaries.map(String.init) + ["\(UInt64(1) << 53)"])
        for scale in vectors.index_vectors {
            for vector in scale.cases {
                let value = Double(bitPattern: try #require(UInt64(vector.bits_hex, radix: 16)))
                let key = QuantileKey.bias + ExponentialScale.index(value)
                let coarse = QuantileKey.coarsened(key, by: ExponentialScale.finest - scale.scale)
                #expect(Int(coarse - QuantileKey.bias) == vector.index, "\(vector.value) at scale \(scale.scale)")
            }
        }
    }

    @Test func isExactAtEveryBoundaryAndItsNeighbours() {
        for octave in [-1_022, -1_021, -500, -1, 0, 1, 52, 500, 1_022, 1_023] {
            for position in 0..<64 {
                let index = Int32(64 * octave + position)
                let bound = ExponentialScale.upperBound(index)
                #expect(ExponentialScale.index(bound) == index)
                if bound.nextDown.isNormal {
                    #expect(ExponentialScale.index(bound.nextDown) == (position == 0 ? index : index))
                }
                #expect(ExponentialScale.index(bound.nextUp) == index + 1)
            }
        }
        #expect(ExponentialScale.index(.greatestFiniteMagnitude) == 65_536)
        #expect(ExponentialScale.index(.leastNormalMagnitude) == -65_408)
        #expect(ExponentialScale.upperBound(65_536) == .greatestFiniteMagnitude)
    }

    @Test(arguments: [UInt64(1), 2, 3])
    func agreesWithLinearSearch(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for _ in 0..<50_000 {
            let value = Double(bitPattern: random.next() >> 1)
            guard value.isNormal else { continue }
            #expect(
                Int(ExponentialScale.index(value)) == ReferenceHistogram.bucket(value).index, "seed \(seed): \(value)")
        }
    }

    @Test func coarseningHalvesWithTheCeiling() {
        for index in Int32(-300)...300 {
            let halved = QuantileKey.coarsened(QuantileKey.bias + index, by: 1) - QuantileKey.bias
            #expect(halved == Int32((Double(index) / 2).rounded(.up)))
            #expect(QuantileKey.coarsened(-(QuantileKey.bias + index), by: 1) == -(QuantileKey.bias + halved))
            let twice = QuantileKey.coarsened(QuantileKey.bias + halved, by: 1)
            #expect(QuantileKey.coarsened(QuantileKey.bias + index, by: 2) == twice)
            let refined = QuantileKey.refined(twice, by: 2)
            #expect(QuantileKey.coarsened(refined, by: 2) == twice)
        }
    }

    @Test func theMiddleOfABucketIsWithinTheStatedErrorOfBothEnds() {
        for index in stride(from: Int32(-65_400), to: 65_536, by: 37) {
            let middle = ExponentialScale.midpoint(index, halvings: 0)
            let outer = ExponentialScale.upperBound(index)
            let inner = ExponentialScale.upperBound(index - 1)
            #expect(abs(middle - outer) <= ExponentialScale.relativeError * outer)
            #expect(abs(middle - inner) <= ExponentialScale.relativeError * inner)
        }
    }
}
