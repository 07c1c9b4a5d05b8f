import JSON

/// Finds in lines of JSON what is to be the keys of their messages: the value of one field at the top, a text as it is
/// without escapes, a number or a boolean as it is written. Reads as `parse_json` does.
struct MessageKeys: ~Copyable {
    /// Longer texts are no keys.
    static let bytesMax = 65_535
    /// The longest line that is looked at, which is more than a cluster takes.
    private static let lineBytesMax = 64 << 20

    private var parser: DocumentParser

    init(field: String) {
        let field = FieldDeclaration(
            path: [field], type: .text, onTypeError: .null, textLengthMax: Self.bytesMax, acceptsText: true)
        parser = DocumentParser(
            fields: [field], limits: JSONLimits(documentLengthMax: Self.lineBytesMax), takesObjectsOnly: true)
    }

    /// The key of each line; nil where the field is missing, null, an object, a list or too long, or the line no object.
    mutating func keys(of lines: UnsafeRawBufferPointer) -> [[UInt8]?] {
        let ranges = unsafe Self.ranges(of: lines)
        let capacity = DocumentParser.capacity(forLength: lines.count)
        let buffer = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: capacity)
        let slices = UnsafeMutableBufferPointer<TextSlice>.allocate(capacity: ranges.count)
        let marks = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 2 * ranges.count)
        defer {
            unsafe buffer.deallocate()
            unsafe slices.deallocate()
            unsafe marks.deallocate()
        }
        guard !ranges.isEmpty, let bytes = buffer.baseAddress, let values = slices.baseAddress,
            let valid = marks.baseAddress
        else { return [] }
        unsafe UnsafeMutableRawBufferPointer(buffer).copyMemory(from: lines)
        let column = unsafe ColumnPointers(values: UnsafeMutableRawPointer(values), valid: valid)
        let status = unsafe valid + ranges.count
        _ = unsafe ranges.withUnsafeBufferPointer { ranges in
            unsafe [column].withUnsafeBufferPointer { columns in
                unsafe parser.parse(
                    buffer: bytes, length: lines.count, capacity: capacity, documents: ranges, columns: columns,
                    status: status)
            }
        }
        return ranges.indices.map { line in
            guard unsafe status[line] == 0, unsafe valid[line] == 1 else { return nil }
            let slice = unsafe values[line]
            return unsafe Array(UnsafeBufferPointer(start: bytes + Int(slice.offset), count: Int(slice.length)))
        }
    }

    private static func ranges(of lines: UnsafeRawBufferPointer) -> [DocumentRange] {
        var ranges: [DocumentRange] = []
        var start = 0
        while start < lines.count {
            let length = unsafe KafkaOutput.lineLength(UnsafeRawBufferPointer(rebasing: lines[start...]))
            ranges.append(DocumentRange(offset: UInt32(start), length: UInt32(length)))
            start += length + 1
        }
        return ranges
    }
}
