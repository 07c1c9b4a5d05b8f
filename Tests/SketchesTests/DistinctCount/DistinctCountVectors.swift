import Foundation
import Testing

/// The `hll` part of the shared test vectors; nil, with a line on standard error,
/// where the file is missing.
struct DistinctCountVectors: Decodable {
    struct Value: Decodable, CustomTestStringConvertible {
        var name: String
        var log2m: Int
        var regwidth: Int
        var expthresh: Int
        var sparseon: Int
        var hex: String
        var bytes: Int
        var hashes: [String]?
        var inputs: String?
        var estimate: String
        var left: String?
        var right: String?

        var testDescription: String { name }

        enum CodingKeys: String, CodingKey {
            case name, log2m, regwidth, expthresh, sparseon, hex, bytes, inputs
            case hashes = "hashes_int64"
            case estimate = "improved_estimate"
            case left = "a_hex"
            case right = "b_hex"
        }
    }

    struct Hash: Decodable {
        var function: String
        var value: String
        var bytes: String
        var hash: String

        enum CodingKeys: String, CodingKey {
            case function
            case value = "sql_value"
            case bytes = "raw_bytes_hex"
            case hash = "hash_int64"
        }
    }

    var values: [Value]
    var hashes: [Hash]

    enum CodingKeys: String, CodingKey {
        case values = "hll_vectors"
        case hashes = "hash_function_vectors"
    }

    static let shared: DistinctCountVectors? = {
        let root = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../..").standardizedFileURL
        let file = root.appendingPathComponent("../shared/data/sketch_vectors.json").standardizedFileURL
        guard FileManager.default.fileExists(atPath: file.path) else {
            FileHandle.standardError.write(Data("SKIPPED: distinct-count vectors: no file \(file.path)\n".utf8))
            return nil
        }
        do {
            return try JSONDecoder().decode(DistinctCountVectors.self, from: Data(contentsOf: file))
        } catch {
            fatalError("\(file.path) is not the vectors file these tests know: \(error)")
        }
    }()
}
