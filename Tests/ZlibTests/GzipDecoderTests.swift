import Testing
import Zlib
import ZlibTesting

@Suite struct GzipDecoderTests {
    /// Decodes data that comes in pieces of so many bytes into buffers of so many.
    private func decode(_ data: [UInt8], piece: Int = 64, buffer size: Int = 50) throws -> String {
        let decoder = try GzipDecoder()
        var (rest, text) = (data[...], [UInt8]())
        var buffer = [UInt8](repeating: 0, count: size)
        while true {
            switch try unsafe buffer.withUnsafeMutableBytes({ try unsafe decoder.step(into: $0, isLast: rest.isEmpty) })
            {
            case .bytes(let count): text += buffer[..<count]
            case .ended: return String(decoding: text, as: UTF8.self)
            case .hungry:
                _ = unsafe decoder.feed { input in
                    let some = rest.prefix(piece)
                    unsafe input.copyBytes(from: some)
                    rest = rest.dropFirst(piece)
                    return some.count
                }
            }
        }
    }

    private func problem(_ data: [UInt8]) -> GzipDecoder.Problem? {
        #expect(throws: GzipDecoder.Problem.self) { try decode(data) }
    }

    private let lines = "{\"n\":1}\n{\"n\":2}\n"

    @Test(arguments: [1, 2, 7, 1_000], [1, 3, 1_000]) func itDoesNotMatterHowTheBytesCome(piece: Int, buffer: Int)
        throws
    {
        let data = Gzip.member(lines) + Gzip.member("") + Gzip.member("more")
        #expect(try decode(data, piece: piece, buffer: buffer) == lines + "more")
    }

    @Test func zerosBehindTheLastMemberArePadding() throws {
        #expect(try decode(Gzip.member(lines) + Array(repeating: 0, count: 300)) == lines)
    }

    @Test func anythingElseBehindAMemberIsFound() {
        let member = Gzip.member(lines)
        let end = Int64(member.count)
        #expect(problem(member + [UInt8](repeating: 0, count: 100) + [9]) == .behind(end + 100))
        #expect(problem(member + Array("tail".utf8)) == .behind(end))
        #expect(problem(member + [0x1f, 0x20, 0x30, 0x40]) == .behind(end), "it begins like a member and is none")
    }

    @Test func aMemberBehindPaddingIsNoMember() {
        let member = Gzip.member(lines)
        #expect(problem(member + [0] + member) == .behind(Int64(member.count) + 1))
    }

    @Test(arguments: [5, 12, 20, 30]) func dataThatEndsInTheMiddleIsCutShort(length: Int) {
        #expect(problem(Array(Gzip.member(lines).prefix(length))) == .cutShort(Int64(length)))
    }

    @Test func aWrongChecksumIsDamage() {
        var data = Gzip.member(lines)
        data[data.count - 8] ^= 1
        guard case .damaged(_, let reason) = problem(data) else {
            Issue.record("it was not noticed")
            return
        }
        #expect(reason == "incorrect data check")
    }

    @Test func aSourceThatHasNothingYetLeavesItHungry() throws {
        let decoder = try GzipDecoder()
        #expect(unsafe decoder.feed { _ in nil } == nil)
        #expect(!decoder.hasInput)
        var buffer = [UInt8](repeating: 0, count: 10)
        let step = try unsafe buffer.withUnsafeMutableBytes { try unsafe decoder.step(into: $0, isLast: false) }
        #expect(step == .hungry)
    }
}
