/// What readers of stored sketches have in common: the fields that their bytes are made of.
///
/// Nothing is trusted: numbers are as short as they can be, and no field goes beyond the end.
protocol StoredFieldReader: ~Copyable {
    /// What the bytes are, for errors.
    static var subject: String { get }
    /// Borrowed; outlive the reader.
    var bytes: UnsafeRawBufferPointer { get }
    /// Where the next byte is read.
    var position: Int { get set }
}

extension StoredFieldReader where Self: ~Copyable {
    @inline(__always)
    mutating func byte() throws(SketchError) -> UInt8 {
        guard unsafe position < bytes.count else { throw truncated() }
        defer { position += 1 }
        return unsafe bytes[position]
    }

    mutating func varint() throws(SketchError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let next = try byte()
            guard shift < 63 || next <= 1 else { throw malformed("number above 64 bits") }
            value |= UInt64(next & 0x7f) << shift
            if next < 0x80 {
                guard next > 0 || shift == 0 else { throw malformed("number with a superfluous byte") }
                return value
            }
            shift += 7
        }
    }

    mutating func zigzag() throws(SketchError) -> Int64 {
        let value = try varint()
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    /// An error about bytes that no encoder writes, with the place.
    func malformed(_ what: String) -> SketchError {
        SketchError(.malformedBytes, "\(Self.subject): \(what), at byte \(position)")
    }

    func truncated() -> SketchError {
        unsafe SketchError(.malformedBytes, "\(Self.subject): ends too early, found \(bytes.count) bytes")
    }
}
