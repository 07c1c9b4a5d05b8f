import Testing

@testable import Nodes

@Suite struct ContentFormatTests {
    private func format(_ bytes: [UInt8], hasEnded: Bool = false) throws -> ContentFormat? {
        try ContentFormat.of(bytes[...], hasEnded: hasEnded, "/data/a")
    }

    @Test func gzipIsKnownByTwoBytes() throws {
        #expect(try format([0x1f, 0x8b]) == .gzip)
        #expect(try format([0x1f]) == nil, "one is not enough")
        #expect(try format([0x1f], hasEnded: true) == .plain)
        #expect(try format([0x1f, 0x20]) == .plain)
    }

    @Test func aStreamWaitsOnlyWhileItMayBecomeSomethingElse() throws {
        #expect(try format([]) == nil)
        #expect(try format([], hasEnded: true) == .plain)
        #expect(try format(Array("{".utf8)) == .plain)
        #expect(try format(Array("PAR".utf8)) == nil)
        #expect(try format(Array("PARx".utf8)) == .plain)
    }

    @Test(
        arguments: [
            ([0x28, 0xb5, 0x2f, 0xfd], "zstd data", "zstd -dc /data/a | millrace"),
            ([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], "xz data", "xz -dc /data/a | millrace"),
            (Array("BZh9".utf8), "bzip2 data", "bzip2 -dc"), (Array("PK\u{3}\u{4}".utf8), "a zip archive", "unzip -p"),
            (Array("PAR1".utf8), "a Parquet file", "convert it first"), ([0xff, 0xfe, 0x7b], "UTF-16 text", "iconv"),
        ] as [([UInt8], String, String)])
    func whatIsNotReadIsNamedWithWhatHelps(bytes: [UInt8], name: String, hint: String) throws {
        let error = #expect(throws: SourceError.self) { try format(bytes) }
        #expect(error?.description.contains("it is \(name), expected newline-delimited JSON") == true)
        #expect(error?.description.contains(hint) == true, "\(error?.description ?? "")")
    }

    @Test func standardInputIsUnpackedInFront() throws {
        let error = #expect(throws: SourceError.self) {
            try ContentFormat.of([0x28, 0xb5, 0x2f, 0xfd][...], hasEnded: false, "-")
        }
        #expect(error?.description.contains("zstd -dc | millrace") == true)
    }
}
