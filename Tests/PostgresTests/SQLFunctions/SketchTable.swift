import Sketches

/// A table of sketches as psql reads it, for tests with more of them than a script of INSERTs should have.
struct SketchTable {
    private(set) var script: String

    /// - Parameter name: of a table with the columns `id int` and `sketch bytea`.
    init(_ name: String, isTemporary: Bool = true) {
        script = """
            CREATE \(isTemporary ? "TEMP " : "")TABLE \(name) (id int, sketch bytea);
            COPY \(name) FROM stdin;

            """
    }

    /// Adds a row; null without bytes.
    mutating func add(_ id: Int, _ bytes: [UInt8]?) {
        script += "\(id)\t" + (bytes.map { "\\\\x" + SketchMaker.hex($0) } ?? "\\N") + "\n"
    }

    /// The script that makes and fills the table.
    var statements: String { script + "\\.\n" }
}

extension SketchMaker {
    static let parameters = [HyperLogLogParameters.standard, .compact, .precise]

    /// A sketch of up to so many distinct values, among them hashes that chance would hardly bring about.
    mutating func distinct(_ parameters: HyperLogLogParameters, sizeMax: Int) -> HyperLogLog {
        var sketch = HyperLogLog(parameters: parameters)
        for _ in 0..<Int.random(in: 0...sizeMax, using: &self) {
            // Shifted hashes reach the high register values that random ones never do.
            sketch.insert(next() << UInt64.random(in: 0...63, using: &self))
        }
        return sketch
    }

    static func bytes(_ sketch: HyperLogLog) -> [UInt8] {
        var bytes: [UInt8] = []
        sketch.encode(into: &bytes)
        return bytes
    }

    /// The bytes with one bit, byte or end changed.
    mutating func damaged(_ whole: [UInt8]) -> [UInt8] {
        var bytes = whole
        let position = Int.random(in: 0..<bytes.count, using: &self)
        switch Int.random(in: 0..<4, using: &self) {
        case 0: bytes[position] ^= 1 << UInt8.random(in: 0...7, using: &self)
        case 1: bytes.insert(UInt8.random(in: 0...255, using: &self), at: position)
        case 2: bytes.remove(at: position)
        default: bytes.removeSubrange(position...)
        }
        return bytes
    }
}
