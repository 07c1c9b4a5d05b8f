import Dataflow
import Declaration
import Platform
import Testing
import TopologyFile

@Suite struct TopologyFuzzTests {
    private let reader = TopologyReader(
        specs: SampleSpecs.specs, settings: SampleSpecs.settings, environment: ["DATABASE_URL": "x"])

    private func check(_ bytes: [UInt8], _ seed: UInt64) {
        let (declaration, found) = reader.read(file: "t.yaml", bytes: bytes)
        #expect((declaration == nil) == found.hasErrors, "seed \(seed): \(String(decoding: bytes, as: UTF8.self))")
        #expect(found.all.allSatisfy { $0.location.line >= 1 && $0.location.column >= 1 }, "seed \(seed)")
    }

    @Test(arguments: 1...4 as ClosedRange<UInt64>)
    func randomBytesAreRefused(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for _ in 0..<500 {
            let count = Int.random(in: 0..<60, using: &random)
            check((0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }, seed)
            let printable = Array(" \n:-{}[],&*!|>'\"%@`#?<ab1~$\t".utf8)
            check((0..<count).map { _ in printable.randomElement(using: &random) ?? 0 }, seed)
        }
    }

    @Test(arguments: 1...4 as ClosedRange<UInt64>)
    func mutatedFilesAreReadOrRefused(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let whole = Array(SampleSpecs.whole.utf8)
        let pieces = [
            "&a ", "*a", "? ", "- ", ": ", "\n", "    ", "<<: ", "${", "}", "'", "\"", "|\n", "nodes:", "from:", "{",
            "]",
        ]
        for _ in 0..<300 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let at = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes.remove(at: at)
                case 1: bytes[at] = UInt8.random(in: 0...255, using: &random)
                case 2: bytes.insert(contentsOf: Array((pieces.randomElement(using: &random) ?? "").utf8), at: at)
                default:
                    let end = min(bytes.count, at + Int.random(in: 1...40, using: &random))
                    bytes.insert(contentsOf: bytes[at..<end], at: Int.random(in: 0..<bytes.count, using: &random))
                }
            }
            check(bytes, seed)
        }
    }
}
