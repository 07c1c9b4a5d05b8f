import Dataflow
import Testing

@testable import Nodes

/// Beside the random walk in `FileRewindTests.aReplayGivesBackWhatItWasGiven`: what it holds, and when it lets go.
@Suite struct StreamReplayTests {
    private let memory = MemoryAccountant(budget: 8_000)

    private func replay(at position: Int64 = 0) -> StreamReplay {
        StreamReplay(at: position, memory: memory, recordBytesMax: 10, blockBytes: 100)
    }

    private func append(_ count: Int, to replay: StreamReplay) {
        unsafe [UInt8](repeating: 7, count: count).withUnsafeBytes { unsafe replay.append($0) }
    }

    private func read(_ replay: StreamReplay, at position: Int64, atMost count: Int = 1_000) -> StreamReplay.Content {
        var buffer = [UInt8](repeating: 0, count: count)
        return unsafe buffer.withUnsafeMutableBytes { unsafe replay.read(at: position, into: $0) }
    }

    @Test func itsBlocksAreInTheAccount() {
        var kept: StreamReplay? = replay()
        append(250, to: kept!)
        #expect(kept!.bytes == 300)
        #expect(memory.held(by: .batches) == 300)
        kept!.trim(to: 199)
        #expect(memory.held(by: .batches) == 200, "a block goes when all of it is committed")
        kept!.trim(to: 250)
        #expect(memory.held(by: .batches) == 0)
        append(1, to: kept!)
        kept = nil
        #expect(memory.held(by: .batches) == 0)
    }

    @Test func whatWasSkippedTakesNoMemory() {
        let kept = replay()
        append(50, to: kept)
        kept.skip(1 << 30)
        kept.skip(5)
        append(50, to: kept)
        #expect(kept.bytes == 200)
        #expect(read(kept, at: 50) == .skipped((1 << 30) + 5))
        #expect(read(kept, at: 60) == .skipped((1 << 30) - 5))
        #expect(read(kept, at: 55 + (1 << 30)) == .bytes(50))
        #expect(kept.end == 105 + (1 << 30))
        kept.skip(0)
        #expect(read(kept, at: 100 + (1 << 30)) == .bytes(5))
    }

    @Test func aReadEndsWithItsBlockOrTheBuffer() {
        let kept = replay(at: 1_000)
        append(250, to: kept)
        #expect(read(kept, at: 1_030) == .bytes(70))
        #expect(read(kept, at: 1_030, atMost: 20) == .bytes(20))
        #expect(read(kept, at: 1_249) == .bytes(1))
    }

    @Test func itIsFullAtAnEighthOfTheMemoryButHoldsTwoLines() {
        let kept = replay()
        #expect(kept.bytesMax == 1_000)
        append(900, to: kept)
        #expect(!kept.isFull)
        append(1, to: kept)
        #expect(kept.isFull)
        kept.trim(to: 100)
        #expect(!kept.isFull)
        let long = StreamReplay(at: 0, memory: memory, recordBytesMax: 5_000, blockBytes: 100)
        #expect(long.bytesMax == 10_800)
    }

    @Test func aTrimNeverGoesBackNorBeyondTheEnd() {
        let kept = replay()
        append(50, to: kept)
        kept.trim(to: 30)
        kept.trim(to: 10)
        #expect(kept.base == 30)
        kept.trim(to: 80)
        #expect(kept.base == 50)
        append(10, to: kept)
        #expect(read(kept, at: 50) == .bytes(10))
    }
}
