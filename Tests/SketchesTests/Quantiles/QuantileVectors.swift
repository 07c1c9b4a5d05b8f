import Foundation

/// The histogram part of the shared sketch vectors, which other implementations were checked with.
struct QuantileVectors: Decodable {
    struct Case: Decodable {
        let value: String
        let bits_hex: String
        let index: Int
    }
    struct Scale: Decodable {
        let scale: Int
        let cases: [Case]
    }
    struct Sketch: Decodable {
        let values: [Int64]
        let scale: Int
        let buckets: [String: UInt64]
        let quantiles: [String: String]
    }
    struct Histogram: Decodable {
        let boundary_mantissas_scale6: [String]
        let index_vectors: [Scale]
        let sketch_vector: Sketch
    }
    private struct File: Decodable {
        let exponential_histogram: Histogram
    }

    /// nil where the shared data is not checked out beside the package; said loudly.
    static let histogram: Histogram? = {
        let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let file = package.appendingPathComponent("../shared/data/sketch_vectors.json").standardizedFileURL
        do {
            return try JSONDecoder().decode(File.self, from: Data(contentsOf: file)).exponential_histogram
        } catch {
            FileHandle.standardError.write(Data("SKIPPED: sketch vectors cannot be read: \(error)\n".utf8))
            return nil
        }
    }()
}
