public import Lookups

/// Rows in files, whatever they are called.
public enum FileRows {
    /// White space, and the mark that some programs put in front of UTF-8.
    private static let blank: Set<UInt8> = [0x20, 0x09, 0x0a, 0x0d, 0xef, 0xbb, 0xbf]

    /// A source of the rows in a file. What it is its first character tells: `{` begins a JSON object, all else is CSV.
    /// - Throws: ``LookupError`` when the file cannot be read.
    public static func source(of path: String) throws(LookupError) -> any DimensionSource {
        var stream = try ByteStream(path: path)
        while let byte = try stream.next() {
            if !blank.contains(byte) {
                return byte == UInt8(ascii: "{") ? NDJSONSource(path: path) : CSVSource(path: path)
            }
        }
        return CSVSource(path: path)
    }
}
