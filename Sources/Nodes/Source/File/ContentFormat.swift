import Zlib

/// What the first bytes of a file say about the rest.
enum ContentFormat {
    /// Read as it is.
    case plain
    /// Unpacked while it is read.
    case gzip

    /// The longest beginning that is looked at.
    static let magicBytesMax = 10

    /// What is not read, with what makes NDJSON of it.
    private static let others: [(magic: [UInt8], name: String, hint: String)] = [
        ([0x28, 0xb5, 0x2f, 0xfd], "zstd data", "zstd -dc"),
        ([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], "xz data", "xz -dc"),
        ([0x42, 0x5a, 0x68], "bzip2 data", "bzip2 -dc"),
        ([0x04, 0x22, 0x4d, 0x18], "lz4 data", "lz4 -dc"),
        ([0x4c, 0x5a, 0x49, 0x50], "lzip data", "lzip -dc"),
        ([0x1f, 0x9d], "compress data", "gzip -dc"),
        ([0x50, 0x4b, 0x03, 0x04], "a zip archive", "unzip -p"),
        ([0xff, 0x06, 0x00, 0x00, 0x73, 0x4e, 0x61, 0x50, 0x70, 0x59], "snappy data", "snzip -dc"),
        ([0x50, 0x41, 0x52, 0x31], "a Parquet file", ""),
        ([0x4f, 0x62, 0x6a, 0x01], "an Avro file", ""),
        ([0xff, 0xfe], "UTF-16 text", "iconv -f UTF-16 -t UTF-8"),
        ([0xfe, 0xff], "UTF-16 text", "iconv -f UTF-16 -t UTF-8"),
    ]

    /// What begins with these bytes; nil when more of them are needed.
    /// - Throws: `SourceError` for what is not read here.
    static func of(_ bytes: ArraySlice<UInt8>, hasEnded: Bool, _ label: String) throws(SourceError) -> ContentFormat? {
        if bytes.starts(with: GzipDecoder.magic) { return .gzip }
        if let other = others.first(where: { bytes.starts(with: $0.magic) }) {
            let command = "\(other.hint) \(label == "-" ? "" : label + " ")"
            throw SourceError.file(
                label,
                "it is \(other.name), expected newline-delimited JSON, plain or gzip"
                    + (other.hint.isEmpty
                        ? "; convert it first"
                        : "; unpack it first: \(command)| millrace run TOPOLOGY, with `file: \"-\"` in the topology"))
        }
        let mayBecome = ([GzipDecoder.magic] + others.map(\.magic)).contains { $0.starts(with: bytes) }
        return mayBecome && !hasEnded ? nil : .plain
    }
}
