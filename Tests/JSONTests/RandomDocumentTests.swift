import Foundation
import JSON
import Platform
import Testing

@Suite struct RandomDocumentTests {
    static let fields = [
        FieldDeclaration("a", .text, onTypeError: .null), FieldDeclaration("b", .integer),
        FieldDeclaration("c", .double, onTypeError: .null),
        FieldDeclaration("a.b", .decimal(scale: 3), onTypeError: .null),
        FieldDeclaration("b.a.c", .boolean, onTypeError: .null), FieldDeclaration("é", .text, onTypeError: .null),
        FieldDeclaration(path: ["a key that is longer than one spelling can be"], type: .double, onTypeError: .null),
        FieldDeclaration(path: ["d e", "a"], type: .integer, onTypeError: .null),
        FieldDeclaration("c", .timestamp(.epochSeconds), onTypeError: .null),
    ]

    /// Accepts what Foundation accepts, and reads the values it reads. Where Foundation has a way of its own the
    /// documents or the comparison leave it out: duplicate keys (it takes any), numbers no double can hold, U+0000 in
    /// declared text, -0 (it takes an integer) and the last bit of a long number (it is one off at times).
    @Test func foundationAgrees() throws {
        let fields = [
            FieldDeclaration("a", .text, onTypeError: .null), FieldDeclaration("b", .double, onTypeError: .null),
            FieldDeclaration("c.a", .boolean, onTypeError: .null), FieldDeclaration("a.b", .text, onTypeError: .null),
        ]
        var parser = DocumentParser(fields: fields)
        var accepted = 0
        for seed in 0..<3000 as Range<UInt64> {
            var documents = RandomDocuments(seed: seed)
            var bytes = Array(documents.object(depth: 0).utf8)
            if seed % 2 == 1 { bytes = documents.mutated(bytes) }
            let outcome = ParsedBatch([bytes], with: &parser).outcomes[0]
            guard let value = try? JSONSerialization.jsonObject(with: Data(bytes), options: [.fragmentsAllowed]) else {
                #expect(outcome.error != nil || Self.isOutsideFoundation(bytes), "seed \(seed): \(text(bytes))")
                continue
            }
            accepted += 1
            #expect(
                outcome.error == nil || Self.isTooLaxInFoundation(bytes),
                "seed \(seed): \(outcome.reason ?? "") \(text(bytes))")
            guard outcome.error == nil, Self.hasUniqueKeys(bytes) else { continue }
            let expected = fields.map { Self.expected($0, in: value) }
            #expect(Self.isSame(outcome.values, expected), "seed \(seed): \(text(bytes))")
        }
        #expect(accepted > 1500)
    }

    /// The standard library's `Double(_:)` (strtod) is the oracle for rounding.
    @Test func doublesAreRoundedAsTheStandardLibraryDoes() throws {
        for seed in 0..<40 as Range<UInt64> {
            var source = RandomDocuments(seed: seed)
            let numbers = (0..<200).map { _ in
                source.number() + (source.random.chance(20) ? "e\(source.random.below(640) - 330)" : "")
            }.filter { Double($0) != nil }
            var parser = DocumentParser(fields: [FieldDeclaration("v", .double)])
            let outcomes = ParsedBatch(numbers.map { Array(#"{"v":\#($0)}"#.utf8) }, with: &parser).outcomes
            for (number, outcome) in zip(numbers, outcomes) {
                let expected = try #require(Double(number))
                #expect(outcome.values == [expected.isFinite ? .double(expected) : .none], "seed \(seed): \(number)")
                #expect(outcome.error == (expected.isFinite ? nil : .outOfRange), "seed \(seed): \(number)")
            }
        }
    }

    /// The one-document path and any batch give the same, with learned key orders and without.
    @Test func batchesDoNotMatter() {
        for seed in 0..<60 as Range<UInt64> {
            var random = SeededRandom(seed: seed &* 77)
            var source = RandomDocuments(seed: seed)
            let documents = (0..<200).map { _ -> [UInt8] in
                let document = random.chance(30) ? event : Array(source.object(depth: 0).utf8)
                return random.chance(25) ? source.mutated(document) : document
            }
            for fields in [Self.fields, eventFields] {
                let alone = documents.map { parsed($0, fields) }
                var parser = DocumentParser(fields: fields)
                #expect(ParsedBatch(documents, with: &parser).outcomes == alone, "seed \(seed), one batch")
                var outcomes: [Outcome] = []
                while outcomes.count < documents.count {
                    let count = min(1 + random.below(40), documents.count - outcomes.count)
                    outcomes +=
                        ParsedBatch(Array(documents[outcomes.count..<outcomes.count + count]), with: &parser).outcomes
                }
                #expect(outcomes == alone, "seed \(seed), random batches")
            }
        }
    }

    /// Several segments of stage 1, with bad strings among the documents.
    @Test func largeBatchesAreCutIntoSegments() {
        var random = SeededRandom(seed: 5)
        var source = RandomDocuments(seed: 5)
        let documents = (0..<3000).map { _ -> [UInt8] in random.chance(3) ? source.mutated(event) : event }
        var parser = DocumentParser(fields: eventFields)
        let batch = ParsedBatch(documents, with: &parser)
        for (index, outcome) in batch.outcomes.enumerated() {
            let expected = documents[index] == event ? eventOutcome : parsed(documents[index], eventFields)
            #expect(outcome == expected, "document \(index)")
        }
        #expect(batch.summary.badCount > 30)
        #expect(batch.summary.okCount + batch.summary.badCount == 3000)
    }

    /// Bytes out of nowhere: for a bounded time, nothing crashes, and alone or in a batch makes no difference.
    @Test(.timeLimit(.minutes(1))) func anyBytesAreSurvived() {
        let clock = ContinuousClock()
        let deadline = clock.now + .seconds(3)
        var parser = DocumentParser(fields: Self.fields)
        var seed: UInt64 = 1000
        while clock.now < deadline {
            seed += 1
            var source = RandomDocuments(seed: seed)
            let documents = (0..<50).map { _ -> [UInt8] in
                if source.random.chance(20) {
                    return (0..<source.random.below(100)).map { _ in UInt8(source.random.below(256)) }
                }
                if source.random.chance(20) {
                    return (0..<source.random.below(60)).map { _ in
                        source.random.pick(Array(#"{}[],:"\ab01 -.etrue"#.utf8))
                    }
                }
                return source.mutated(Array(source.value(depth: 0).utf8))
            }
            let outcomes = ParsedBatch(documents, with: &parser).outcomes
            for (index, document) in documents.enumerated() {
                #expect(outcomes[index] == parsed(document, Self.fields), "seed \(seed), document \(index)")
            }
        }
    }

    // MARK: What Foundation sees

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self).debugDescription }

    /// Foundation refuses numbers that no double can hold, and duplicate keys in some versions.
    private static func isOutsideFoundation(_ bytes: [UInt8]) -> Bool {
        !hasUniqueKeys(bytes) || bytes.contains { $0 | 0x20 == UInt8(ascii: "e") }
    }

    /// Foundation takes a byte order mark and other encodings.
    private static func isTooLaxInFoundation(_ bytes: [UInt8]) -> Bool {
        bytes.starts(with: [0xef, 0xbb, 0xbf]) || bytes.contains(0) || bytes.contains(0xff)
            || String(decoding: bytes, as: UTF8.self).contains("\\u0000")
    }

    /// Whether no key can occur twice: by a count of the spellings used, which is enough for comparing values.
    private static func hasUniqueKeys(_ bytes: [UInt8]) -> Bool {
        let text = String(decoding: bytes, as: UTF8.self)
        return ["a\"", "b\"", "c\"", "0061\""].allSatisfy { key in
            text.components(separatedBy: "\"" + (key == "0061\"" ? "\\u0061\"" : key)).count <= 2
        } && !(text.contains("\\u0061") && text.contains("\"a\""))
    }

    private static func isSame(_ ours: [Value], _ theirs: [Value]) -> Bool {
        zip(ours, theirs).allSatisfy { ours, theirs in
            guard case .doubleBits(let bits) = ours, case .doubleBits(let otherBits) = theirs else {
                return ours == theirs
            }
            let (value, other) = (Double(bitPattern: bits), Double(bitPattern: otherBits))
            return value == other || abs(value - other) <= value.ulp
        }
    }

    private static func expected(_ field: FieldDeclaration, in value: Any) -> Value {
        var value = value
        for key in field.path {
            guard let object = value as? [String: Any], let member = object[key] else { return .none }
            value = member
        }
        switch field.type {
        case .text:
            guard let text = value as? String, text.utf8.count <= field.textLengthMax, !text.utf8.contains(0) else {
                return .none
            }
            return .text(text)
        case .double:
            guard let number = value as? NSNumber, !isBoolean(number) else {
                return .none
            }
            return .double(number.doubleValue)
        case .boolean:
            guard let number = value as? NSNumber, isBoolean(number) else { return .none }
            return .boolean(number.boolValue)
        default: return .none
        }
    }

    private static func isBoolean(_ number: NSNumber) -> Bool { unsafe String(cString: number.objCType) == "c" }
}
