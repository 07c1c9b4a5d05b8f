import Sketches
import Testing

@Suite struct HyperLogLogParametersTests {
    @Test func presetsHaveTheDocumentedHeaders() {
        #expect(HyperLogLogParameters.standard.header == (0x11, 0x8c, 0x44))
        #expect(HyperLogLogParameters.compact.header == (0x11, 0x8c, 0x40))
        #expect(HyperLogLogParameters.precise.header == (0x11, 0x8e, 0x46))
        #expect(HyperLogLogParameters.standard.description == "12/5/8/1")
    }

    @Test func everyHeaderReadsBack() throws {
        for log2m in 4...17 {
            for width in 4...5 {
                for threshold in [-1, 0] + (0...13).map({ 1 << $0 }) {
                    for sparse in [false, true] {
                        let parameters = try HyperLogLogParameters(
                            log2m: log2m, registerWidth: width, explicitThreshold: threshold, sparse: sparse)
                        let header = parameters.header
                        let bytes = [header.0, header.1, header.2]
                        let read = try unsafe bytes.withUnsafeBytes {
                            try unsafe HyperLogLogParameters(header: $0)
                        }
                        #expect(read == parameters)
                    }
                }
            }
        }
    }

    @Test(arguments: [
        (3, 5, 0), (18, 5, 0), (-1, 5, 0), (12, 3, 0), (12, 6, 0), (12, 8, 0), (12, 5, 3), (12, 5, 16384),
        (12, 5, -2), (12, 5, 7),
    ])
    func unusableParametersAreRefused(log2m: Int, width: Int, threshold: Int) {
        let error = #expect(throws: SketchError.self) {
            try HyperLogLogParameters(log2m: log2m, registerWidth: width, explicitThreshold: threshold)
        }
        #expect(error?.code == .invalidParameters)
        #expect(error?.isRetryable == false)
        #expect(error?.description.contains("found") == true)
        #expect(error?.description.contains("expected") == true)
    }

    @Test func standardErrorIsErtls() {
        #expect(abs(HyperLogLogParameters.standard.standardError - 0.01623) < 0.00001)
        #expect(abs(HyperLogLogParameters.precise.standardError - 0.00812) < 0.00001)
    }
}
