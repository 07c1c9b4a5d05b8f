import Sketches

/// The checksum of a record's bytes that the tail check compares: MurmurHash3, as a signed number for Postgres.
enum Checksum {
    /// The checksum of `bytes`.
    static func of(_ bytes: UnsafeRawBufferPointer) -> Int64 { unsafe Int64(bitPattern: MurmurHash3.hash(bytes)) }

    /// The checksum of `bytes`.
    static func of(_ bytes: [UInt8]) -> Int64 { unsafe bytes.withUnsafeBytes { unsafe of($0) } }
}
