import Testing

@testable import Nodes

@Suite struct ChecksumTests {
    /// Stored with every position: a version that computed another one would refuse all logs and files.
    @Test(
        arguments: [
            ("", 0), ("a", -8_839_064_797_231_613_815), ("{\"user\":1}", 2_674_516_246_692_287_972),
        ] as [(String, Int64)]) func aChecksumStaysTheSame(text: String, checksum: Int64)
    {
        #expect(Checksum.of(Array(text.utf8)) == checksum)
    }

    @Test func bothWaysToAskGiveTheSame() {
        let bytes = (0..<1_000).map { UInt8(truncatingIfNeeded: $0 &* 37) }
        #expect(unsafe bytes.withUnsafeBytes { unsafe Checksum.of($0) } == Checksum.of(bytes))
    }
}
