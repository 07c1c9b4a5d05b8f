import CSimdJSON

extension FieldType {
    /// Writes the value that a text spells to an element of a column of this type, which is not `text`: as
    /// `FieldDeclaration.acceptsText` takes it, with RFC 3339 for instants that are no numbers.
    /// - Returns: why there is none.
    public func read(_ text: UnsafeRawBufferPointer, into value: UnsafeMutableRawPointer) -> DocumentError? {
        let (code, scale) = code
        let bytes = unsafe text.assumingMemoryBound(to: UInt8.self)
        guard let base = bytes.baseAddress, !bytes.isEmpty else { return .wrongType }
        return unsafe DocumentError(rawValue: sj_value_of_text(code, scale, base, bytes.count, value))
    }
}
