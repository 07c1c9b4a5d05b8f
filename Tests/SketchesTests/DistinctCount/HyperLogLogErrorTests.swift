import Sketches
import Testing

/// A quick look at the error; the figures of record, with 1,000 trials, come from the sketch benchmark.
@Suite struct HyperLogLogErrorTests {
    /// With t trials the root mean square error is known to 1/sqrt(2 t) and the bias to 1/sqrt(t) of the standard
    /// error; the bounds are the claim plus four of those deviations.
    @Test(arguments: [(100, 400), (300, 400), (1000, 300), (3000, 250), (10_000, 150), (40_000, 60)])
    func standardErrorIsAsClaimed(values: Int, trials: Int) throws {
        let parameters = HyperLogLogParameters.compact
        var squares = 0.0
        var sum = 0.0
        var random = HashStream(seed: UInt64(values))
        for _ in 0..<trials {
            var table = DistinctCountTable(parameters: parameters)
            table.grow(to: 1)
            for _ in 0..<values { table.insert(hash: random.next(), group: 0) }
            let error = table.estimate(group: 0) / Double(values) - 1
            squares += error * error
            sum += error
        }
        let deviation = (squares / Double(trials)).squareRoot()
        let slack = 4 / (2 * Double(trials)).squareRoot()
        #expect(deviation <= parameters.standardError * (1 + slack), "seed \(values)")
        #expect(
            abs(sum) / Double(trials) <= 4 * parameters.standardError / Double(trials).squareRoot(), "seed \(values)")
    }

    @Test func estimateIsExactUpToTheThreshold() {
        for parameters in [HyperLogLogParameters.standard, .precise] {
            var sketch = HyperLogLog(parameters: parameters)
            for value in 0..<Int64(parameters.explicitThreshold) {
                sketch.insert(MurmurHash3.hash(value))
                sketch.insert(MurmurHash3.hash(value / 2))
                #expect(sketch.estimate() == Double(value + 1))
            }
        }
    }
}
