import Dataflow
import DataflowTesting
import Foundation
import Platform
import Testing

@testable import Nodes

/// What was read and refused is read again, whatever it is read from.
@Suite struct FileRewindTests {
    @Test(arguments: 1...12 as ClosedRange<UInt64>) func everyLineOfAPipeIsCommittedOnce(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let refused = Set((0..<6).map { _ in Int.random(in: 1...12, using: &random) })
        let count = Int.random(in: 1...400, using: &random)
        let (text, places) = numberedLines(0..<count)
        let stand = try FileStand()
        let name = try stand.pipe("p")
        let cuts = (0..<5).map { _ in Int.random(in: 0...text.utf8.count, using: &random) }.sorted()
        let writer = stand.feed(name, Array(text.utf8), cutAt: cuts)
        try stand.run([name], refusing: { refused.contains($0) })
        writer.join()
        #expect(stand.places == ["file:\(name)": places], "seed \(seed)")
        #expect(stand.records == count, "seed \(seed)")
    }

    @Test(arguments: ["plain", "packed"]) func everyLineOfAFileIsCommittedOnce(kind: String) throws {
        for seed in 1...8 as ClosedRange<UInt64> {
            var random = SeededRandom(seed: seed)
            // Late ones too: the end of the file is no success while a rewind is due.
            let refused = Set((0..<8).map { _ in Int.random(in: 1...20, using: &random) })
            let (text, places) = numberedLines(0..<200)
            let stand = try FileStand()
            try stand.write("a", text)
            if kind == "packed" { try stand.pack("a") }
            try stand.run([stand.path("a*")], refusing: { refused.contains($0) })
            #expect(stand.places.values.map { $0 } == [places], "seed \(seed)")
        }
    }

    /// `copytruncate`, and new lines beyond where the reader is, before it looks again.
    @Test(arguments: [512, 4_096, 32_768], [0, 7])
    func aFileThatIsWrittenAnewWhileItIsReadCountsOnce(batchBytes: Int, shift: Int) throws {
        let stand = try FileStand()
        let (old, oldPlaces) = numberedLines(0..<30_000)
        let (new, newPlaces) = numberedLines(50_000..<90_000, width: shift)
        let path = try stand.write("a", old)
        // At the first commit, which there is in any case: at some place in the file, or when all of it was read.
        try stand.run([path], batchBytes: batchBytes) { number in
            guard number == 1, let handle = FileHandle(forWritingAtPath: path) else { return false }
            try? handle.truncate(atOffset: 0)
            try? handle.write(contentsOf: Data(new.utf8))
            return false
        }
        // Compared as wholes: thousands of places are no message.
        let counted = stand.places["file:\(path)"] ?? []
        let isBeginning = counted == Array(oldPlaces.prefix(counted.count))
        #expect(isBeginning)
        let (isWhole, isSaid) = (
            counted.count == oldPlaces.count, stand.warnings.contain("written anew while it was read")
        )
        #expect(isWhole || isSaid)
        try stand.run([path])
        let (after, anew) = (stand.places["file:\(path)"] ?? [], stand.places["file:\(path)#2"] ?? [])
        let isOnce = after == counted && anew == newPlaces
        #expect(isOnce, "\(anew.count) of \(newPlaces.count) new records after \(counted.count) old ones")
    }

    @Test func whatIsKeptOfAPipeIsBounded() throws {
        let memory = MemoryAccountant(budget: 64 << 20)
        let stand = try FileStand()
        let (text, places) = numberedLines(0..<12_000, width: 1_000)
        let name = try stand.pipe("p")
        let writer = stand.feed(name, Array(text.utf8), cutAt: [])
        try stand.run([name], batchBytes: 256 * 1024, memory: memory, refusing: { $0 == 3 })
        writer.join()
        #expect(stand.records == places.count)
    }

    @Test func aLongLineIsOneDeadLetterAndIsSkippedAgainAfterARewind() throws {
        let long = #"{"id":""# + String(repeating: "y", count: 3 << 20) + "\"}\n"
        let (text, places) = numberedLines(0..<50)
        let before = Int64(text.utf8.count)
        let all = text + long + text
        let stand = try FileStand()
        let expected = places + [before] + places.map { $0 + before + Int64(long.utf8.count) }
        try stand.write("a", all)
        try stand.run([stand.path("a")], recordBytesMax: 4_096, refusing: { $0 == 2 || $0 == 3 })
        #expect(stand.places.values.map { $0 } == [expected])
        try stand.run([stand.path("a")], recordBytesMax: 4_096)
        #expect(stand.records == 101)

        let streams = try FileStand()
        let name = try streams.pipe("p")
        let writer = streams.feed(name, Array(all.utf8), cutAt: [])
        try streams.run([name], recordBytesMax: 4_096, refusing: { $0 == 2 || $0 == 3 })
        writer.join()
        #expect(streams.places.values.map { $0 } == [expected])
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>) func aReplayGivesBackWhatItWasGiven(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let memory = MemoryAccountant(budget: 64 << 20)
        let replay = StreamReplay(at: 7, memory: memory, recordBytesMax: 1_024, blockBytes: 700)
        var model: [UInt8?] = []
        var base = 7
        for _ in 0..<60 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0...5:
                let bytes = (0..<Int.random(in: 1...3_000, using: &random)).map { UInt8(truncatingIfNeeded: $0 &* 31) }
                unsafe bytes.withUnsafeBytes { unsafe replay.append($0) }
                model += bytes.map { $0 }
            case 6:
                let count = Int.random(in: 1...1_000, using: &random)
                replay.skip(count)
                model += Array(repeating: nil, count: count)
            case 7:
                base = Int.random(in: base...(7 + model.count), using: &random)
                replay.trim(to: Int64(base))
            default:
                guard base < 7 + model.count else { continue }
                let start = Int.random(in: base..<(7 + model.count), using: &random)
                var buffer = [UInt8](repeating: 0, count: 1_000)
                let content = unsafe buffer.withUnsafeMutableBytes { unsafe replay.read(at: Int64(start), into: $0) }
                switch content {
                case .bytes(let count):
                    #expect(
                        Array(buffer[..<count]) == model[(start - 7)..<(start - 7 + count)].map { $0 }, "seed \(seed)")
                case .skipped(let count):
                    #expect(model[(start - 7)..<(start - 7 + count)].allSatisfy { $0 == nil }, "seed \(seed)")
                }
            }
        }
        #expect(replay.end == Int64(7 + model.count))
        replay.trim(to: replay.end)
        #expect(replay.bytes == 0 && memory.held(by: .batches) == 0)
    }
}
