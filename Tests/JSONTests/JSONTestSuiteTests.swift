import Foundation
import JSON
import Testing

/// The corpus, beside the package or where MILLRACE_SHARED says.
private enum Corpus {
    static let folder: URL = {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return root.deletingLastPathComponent().appending(path: "shared/data/json-test-suite")
    }()

    /// Skipped loudly where the data is missing: a checkout alone has no `shared` beside it.
    static let isPresent: Bool = {
        let isPresent = FileManager.default.fileExists(atPath: folder.path)
        if !isPresent {
            FileHandle.standardError.write(Data("SKIPPED: JSONTestSuite is missing at \(folder.path)\n".utf8))
        }
        return isPresent
    }()

    static func files(_ name: String) throws -> [(name: String, bytes: [UInt8])] {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.appending(path: name).path).sorted()
        return try names.map { file in
            (file, Array(try Data(contentsOf: folder.appending(path: name).appending(path: file))))
        }
    }
}

@Suite(.enabled(if: Corpus.isPresent)) struct JSONTestSuiteTests {
    /// Ours for the files that may be either: what is no Unicode, or nested too deep, is rejected; a number that
    /// nobody declared is only asked for its grammar.
    static let either: [String: DocumentError?] = [
        "i_number_double_huge_neg_exp.json": nil as DocumentError?,
        "i_number_huge_exp.json": nil as DocumentError?,
        "i_number_neg_int_huge_exp.json": nil as DocumentError?,
        "i_number_pos_double_huge_exp.json": nil as DocumentError?,
        "i_number_real_neg_overflow.json": nil as DocumentError?,
        "i_number_real_pos_overflow.json": nil as DocumentError?,
        "i_number_real_underflow.json": nil as DocumentError?,
        "i_number_too_big_neg_int.json": nil as DocumentError?,
        "i_number_too_big_pos_int.json": nil as DocumentError?,
        "i_number_very_big_negative_int.json": nil as DocumentError?,
        "i_object_key_lone_2nd_surrogate.json": .unpairedSurrogate,
        "i_string_1st_surrogate_but_2nd_missing.json": .unpairedSurrogate,
        "i_string_1st_valid_surrogate_2nd_invalid.json": .unpairedSurrogate,
        "i_string_UTF-16LE_with_BOM.json": .controlCharacter,
        "i_string_UTF-8_invalid_sequence.json": .invalidUTF8,
        "i_string_UTF8_surrogate_U+D800.json": .invalidUTF8,
        "i_string_incomplete_surrogate_and_escape_valid.json": .unpairedSurrogate,
        "i_string_incomplete_surrogate_pair.json": .unpairedSurrogate,
        "i_string_incomplete_surrogates_escape_valid.json": .unpairedSurrogate,
        "i_string_invalid_lonely_surrogate.json": .unpairedSurrogate,
        "i_string_invalid_surrogate.json": .unpairedSurrogate,
        "i_string_invalid_utf-8.json": .invalidUTF8,
        "i_string_inverted_surrogates_U+1D11E.json": .unpairedSurrogate,
        "i_string_iso_latin_1.json": .invalidUTF8,
        "i_string_lone_second_surrogate.json": .unpairedSurrogate,
        "i_string_lone_utf8_continuation_byte.json": .invalidUTF8,
        "i_string_not_in_unicode_range.json": .invalidUTF8,
        "i_string_overlong_sequence_2_bytes.json": .invalidUTF8,
        "i_string_overlong_sequence_6_bytes.json": .invalidUTF8,
        "i_string_overlong_sequence_6_bytes_null.json": .invalidUTF8,
        "i_string_truncated-utf-8.json": .invalidUTF8,
        "i_string_utf16BE_no_BOM.json": .controlCharacter,
        "i_string_utf16LE_no_BOM.json": .controlCharacter,
        "i_structure_500_nested_arrays.json": .tooDeep,
        "i_structure_UTF-8_BOM_empty_object.json": .byteOrderMark,
    ]

    @Test func everyFileAloneIsJudgedAsTheSuiteSays() throws {
        let files = try Corpus.files("test_parsing")
        #expect(files.count == 318)
        for (name, bytes) in files {
            for fields in [[], eventFields, [FieldDeclaration("a", .text), FieldDeclaration("a.b", .integer)]] {
                let outcome = parsed(bytes, fields)
                if name.hasPrefix("y_") {
                    let isGrammar = outcome.error.map { $0.rawValue < DocumentError.wrongType.rawValue } ?? false
                    #expect(!isGrammar, "\(name): \(outcome.reason ?? "")")
                    if fields.isEmpty { #expect(outcome.error == nil, "\(name)") }
                } else if name.hasPrefix("n_") {
                    #expect(outcome.error != nil && outcome.reason != nil, "\(name)")
                } else if fields.isEmpty {
                    let pinned = try #require(
                        Self.either[name], "\(name) is not pinned: \(String(describing: outcome.error))")
                    #expect(outcome.error == pinned, "\(name)")
                }
            }
        }
    }

    @Test func allFilesInOneBatchFareAsTheyDoAloneAndHarmNobody() throws {
        let files = try Corpus.files("test_parsing")
        for fields in [[], eventFields] {
            let good = fields.isEmpty ? Outcome(error: nil, reason: nil, values: []) : eventOutcome
            var parser = DocumentParser(fields: fields)
            let batch = ParsedBatch([event] + files.flatMap { [$0.bytes, event] }, with: &parser)
            for (index, outcome) in batch.outcomes.enumerated() {
                if index % 2 == 0 {
                    #expect(
                        outcome == good,
                        "the good document behind \(index == 0 ? "nothing" : files[index / 2 - 1].name)")
                } else {
                    let file = files[index / 2]
                    #expect(outcome == parsed(file.bytes, fields), "\(file.name)")
                }
            }
            let bad = batch.outcomes.filter { $0.error != nil }.count
            #expect(batch.summary.badCount == bad)
            #expect(batch.summary.okCount == batch.outcomes.count - bad)
            #expect(batch.summary.firstBad == batch.outcomes.firstIndex { $0.error != nil })
        }
    }

    /// What the values are where parsers differ; each file is wrapped as the value of a declared key.
    @Test func transformationsArePinned() throws {
        let expected: [String: (FieldType, Value?)] = [
            "number_-9223372036854775808.json": (.integer, .integer(.min)),
            "number_-9223372036854775809.json": (.integer, nil),
            "number_1.0.json": (.integer, .integer(1)),
            "number_1.000000000000000005.json": (.double, .double(1)),
            "number_1000000000000000.json": (.integer, .integer(1_000_000_000_000_000)),
            "number_10000000000000000999.json": (.integer, nil),
            "number_1e-999.json": (.double, .double(0)),
            "number_1e6.json": (.integer, .integer(1_000_000)),
            "number_9223372036854775807.json": (.integer, .integer(.max)),
            "number_9223372036854775808.json": (.integer, nil),
            "string_1_escaped_invalid_codepoint.json": (.text, nil),
            "string_1_invalid_codepoint.json": (.text, nil),
            "string_2_escaped_invalid_codepoints.json": (.text, nil),
            "string_2_invalid_codepoints.json": (.text, nil),
            "string_3_escaped_invalid_codepoints.json": (.text, nil),
            "string_3_invalid_codepoints.json": (.text, nil),
            "string_with_escaped_NULL.json": (.text, nil),
        ]
        for (name, bytes) in try Corpus.files("test_transform") where !name.hasPrefix("object_") {
            let (type, value) = try #require(expected[name], "\(name) is not pinned")
            // Each file is an array of one value: the brackets go.
            let text = bytes.dropFirst(bytes.firstIndex(of: 0x5b)! + 1).prefix { $0 != 0x5d }
            let outcome = parsed(Array(#"{"v":"#.utf8) + text + [0x7d], [FieldDeclaration("v", type)])
            #expect(outcome.values == [value ?? .none], "\(name)")
            #expect((outcome.error == nil) == (value != nil), "\(name): \(outcome.reason ?? "")")
        }
    }

    @Test func keysAreComparedByBytesAndTheLastOneCounts() throws {
        let files = Dictionary(uniqueKeysWithValues: try Corpus.files("test_transform").map { ($0.name, $0.bytes) })
        func values(_ name: String, _ fields: [FieldDeclaration]) throws -> [Value] {
            parsed(try #require(files[name]), fields).values
        }
        let composed = FieldDeclaration(path: ["\u{e9}"], type: .text)
        let decomposed = FieldDeclaration(path: ["e\u{301}"], type: .text)
        #expect(try values("object_key_nfc_nfd.json", [composed, decomposed]) == [.text("NFC"), .text("NFD")])
        #expect(try values("object_key_nfd_nfc.json", [composed, decomposed]) == [.text("NFC"), .text("NFD")])
        #expect(try values("object_same_key_different_values.json", [FieldDeclaration("a", .integer)]) == [.integer(2)])
        #expect(try values("object_same_key_same_value.json", [FieldDeclaration("a", .integer)]) == [.integer(1)])
        #expect(try values("object_same_key_unclear_values.json", [FieldDeclaration("a", .double)]) == [.double(-0.0)])
    }
}
