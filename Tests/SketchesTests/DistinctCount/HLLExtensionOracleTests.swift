import Sketches
import Testing

/// The `hll` extension itself says what the bytes are.
@Suite(.enabled(if: HLLExtensionOracle.installation != nil, "needs Postgres with postgresql-NN-hll"))
struct HLLExtensionOracleTests {
    private struct Case {
        var parameters: HyperLogLogParameters
        var parts: [[UInt64]]
    }

    @Test func bytesAndUnionsEqualTheExtensions() throws {
        let seed: UInt64 = 51
        var random = HashStream(seed: seed)
        let cases = try (0..<500).map { number in
            // A few at the sizes that take long to print.
            let parameters = try random.parameters(log2m: number % 20 == 0 ? 13...17 : 4...12)
            let parts = (0..<Int.random(in: 1...6, using: &random)).map { _ in
                random.hashes(atMost: number % 5 == 0 ? 3000 : 300)
            }
            return Case(parameters: parameters, parts: parts)
        }
        let oracle = try HLLExtensionOracle(installation: try #require(HLLExtensionOracle.installation))
        let answer = Result { try oracle.query(cases.map(script).joined(separator: "\n")) }
        try oracle.stop()
        let lines = try answer.get()
        try #require(lines.count == cases.count * 2)
        for (number, item) in cases.enumerated() {
            let note: Comment = "seed \(seed), case \(number), \(item.parameters), \(item.parts.map(\.count))"
            #expect(addedAll(item).hex == lines[2 * number], note)
            #expect(try unionOfParts(item).hex == lines[2 * number + 1], note)
        }
    }

    /// Two statements: all hashes added, and the union of the parts' sketches.
    private func script(_ item: Case) -> String {
        let p = item.parameters
        let modifiers = "\(p.log2m), \(p.registerWidth), \(p.explicitThreshold), \(p.sparse ? 1 : 0)"
        func added(_ hashes: [UInt64]) -> String {
            let list = hashes.map { String(Int64(bitPattern: $0)) }.joined(separator: ",")
            return "(SELECT coalesce(hll_add_agg(h::hll_hashval, \(modifiers)), hll_empty(\(modifiers))) "
                + "FROM unnest('{\(list)}'::bigint[]) h)"
        }
        let union = item.parts.map(added).reduce("") { $0.isEmpty ? $1 : "hll_union(\($0), \($1))" }
        return """
            SELECT encode(hll_send(\(added(item.parts.flatMap { $0 }))), 'hex');
            SELECT encode(hll_send(\(union)), 'hex');
            """
    }

    private func addedAll(_ item: Case) -> [UInt8] {
        var table = DistinctCountTable(parameters: item.parameters)
        table.grow(to: 1)
        for hash in item.parts.flatMap({ $0 }) { table.insert(hash: hash, group: 0) }
        return table.bytes(0)
    }

    /// As a commit does it: stored bytes into an accumulator, the delta from the table, encode.
    private func unionOfParts(_ item: Case) throws -> [UInt8] {
        var stored: [UInt8]?
        for hashes in item.parts {
            var table = DistinctCountTable(parameters: item.parameters)
            table.grow(to: 1)
            for hash in hashes { table.insert(hash: hash, group: 0) }
            var accumulator = HyperLogLog(parameters: item.parameters)
            if let stored { try accumulator.merge(decoding: stored) }
            table.load(group: 0, into: &accumulator)
            stored = accumulator.bytes
        }
        return stored ?? HyperLogLog(parameters: item.parameters).bytes
    }
}
