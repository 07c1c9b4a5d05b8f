import Dataflow
import Platform
import Sketches
import Summaries
import Testing

@testable import Nodes

@Suite struct SampleTests {
    @Test(
        arguments: [
            ("1%", 1_000_000), ("100%", 100_000_000), ("0.05%", 50_000), ("0.000001%", 1), ("33.5%", 33_500_000),
            ("007%", 7_000_000),
        ] as [(String, UInt64)])
    func sharesAreRead(text: String, millionths: UInt64) {
        #expect(SamplePlan.millionths(text) == millionths)
    }

    @Test(arguments: [
        "1", "", "%", "0%", "0.0000001%", "101%", "100.000001%", "-1%", "1 %", "1e1%", ".5%", "5.%", "1.2.3%", "١%",
        "9999%",
    ])
    func otherSharesAreNone(text: String) { #expect(SamplePlan.millionths(text) == nil) }

    /// The offsets in the sample, of so many messages of some partitions.
    private static func chosen(
        _ plan: SamplePlan, _ key: PartitionKey, _ offsets: Range<Int64>, batch size: Int64 = 1_000
    ) -> Set<Int64> {
        let worker = Sample(plan: plan).makeWorker(in: StageSlot())
        var found: Set<Int64> = []
        for first in stride(from: offsets.lowerBound, to: offsets.upperBound, by: Int(size)) {
            let batch = Batch(payloadBytes: 4_096, layout: BatchLayout())
            for offset in first..<min(first + size, offsets.upperBound) {
                unsafe "x".withCString {
                    unsafe batch.append(UnsafeRawBufferPointer(start: $0, count: 1), offset: offset, timestamp: nil)
                }
            }
            finish(batch, key)
            worker.process(batch, unsafe RowSelection(rows: nil, count: batch.rowCount)) { rows in
                for index in 0..<rows.count {
                    found.insert(batch.messages[unsafe Int(batch.rowMessages[rows[index]])].offset)
                }
            }
        }
        return found
    }

    /// Gives the batch a run and rows, as a source and a parser would.
    private static func finish(_ batch: Batch, _ key: PartitionKey) {
        batch.runs = [
            BatchRun(
                partition: 0, messages: 0..<batch.messages.count, tombstones: 0,
                nextOffset: (batch.messages.last?.offset ?? 0) + 1, tail: nil)
        ]
        batch.runs[0].identity = key.identity
        batch.beginRows(batch.messages.count)
        batch.runs[0].rows = 0..<batch.messages.count
        for row in 0..<batch.rowCount { unsafe batch.rowMessages[row] = UInt32(row) }
    }

    @Test(arguments: ["1%", "10%", "50%", "99%", "100%"])
    func theShareIsThatOfTheRecords(share: String) throws {
        let millionths = try #require(SamplePlan.millionths(share))
        let count = 200_000
        let found = Self.chosen(
            SamplePlan(millionths: millionths), PartitionKey(topic: "t", partition: 3), 0..<Int64(count))
        let expected = Double(count) * Double(millionths) / 1e8
        let deviation = (Double(count) * (Double(millionths) / 1e8) * (1 - Double(millionths) / 1e8)).squareRoot()
        #expect(abs(Double(found.count) - expected) <= 5 * deviation + 0.5, "\(found.count) of \(count)")
    }

    @Test func batchesMakeNoDifferenceAndPartitionsDo() {
        let plan = SamplePlan(millionths: 5_000_000)
        let key = PartitionKey(topic: "t", partition: 0)
        let found = Self.chosen(plan, key, 0..<20_000)
        #expect(Self.chosen(plan, key, 0..<20_000, batch: 7) == found)
        let other = Self.chosen(plan, PartitionKey(topic: "t", partition: 1), 0..<20_000)
        let third = Self.chosen(plan, PartitionKey(topic: "u", partition: 0), 0..<20_000)
        // 5 % of 5 %: 50 of 20,000 by chance.
        #expect(found.intersection(other).count < 150 && found.intersection(third).count < 150)
    }

    /// These offsets are in the sample in every version: what is changed here changes what tables mean.
    @Test func theSampleIsTheSameInEveryVersion() {
        let found = Self.chosen(
            SamplePlan(millionths: 1_000_000), PartitionKey(topic: "game.events", partition: 2), 0..<1_000)
        #expect(found.sorted() == Self.known)
    }

    private static let known: [Int64] = [
        45, 107, 150, 158, 220, 236, 255, 297, 335, 374, 482, 503, 511, 710, 831, 979,
    ]

    /// The documents in the sample of a file that is read in chunks of so many lines.
    private static func lines(_ count: Int, perChunk: Int, framing: Framing) -> [String] {
        let worker = Sample(plan: SamplePlan(millionths: 20_000_000)).makeWorker(in: StageSlot())
        let all = (0..<count).map { "{\"n\":\($0)}" }
        var (found, position): ([String], Int64) = ([], 0)
        for start in stride(from: 0, to: count, by: perChunk) {
            let batch = Batch(payloadBytes: 4_096, layout: BatchLayout())
            var chunk = all[start..<min(start + perChunk, count)].joined(separator: "\n") + "\n"
            let bytes = chunk.utf8.count
            chunk.withUTF8 { unsafe batch.append(UnsafeRawBufferPointer($0), offset: position, timestamp: nil) }
            batch.framing = framing
            position += framing == .chunk ? Int64(bytes) : 1
            var finder = DocumentFinder()
            finder.find(in: batch)
            finish(batch, PartitionKey(topic: "file:a", partition: 0))
            batch.beginRows(finder.documents.count)
            batch.runs[0].rows = 0..<finder.documents.count
            for row in 0..<batch.rowCount { unsafe batch.rowMessages[row] = 0 }
            worker.process(batch, unsafe RowSelection(rows: nil, count: batch.rowCount)) { rows in
                for index in 0..<rows.count { found.append(all[start + rows[index]]) }
            }
        }
        return found
    }

    /// A file is read in chunks of any size; a message of lines is one in every run.
    @Test func linesOfAFileAreChosenByTheirPlaceInIt() {
        let found = Self.lines(3_000, perChunk: 100, framing: .chunk)
        #expect((500..<700).contains(found.count))
        #expect(Self.lines(3_000, perChunk: 17, framing: .chunk) == found)
        #expect(Self.lines(3_000, perChunk: 3_000, framing: .chunk) == found)
        #expect((500..<700).contains(Self.lines(3_000, perChunk: 100, framing: .lines).count))
    }

    /// The users of the sample, out of so many, each with some records.
    private static func users(_ plan: SamplePlan, _ values: [Int64?]) -> [Int64?: Int] {
        let batch = Batch(payloadBytes: 4_096, layout: BatchLayout([.integer]))
        for offset in values.indices {
            unsafe "x".withCString {
                unsafe batch.append(UnsafeRawBufferPointer(start: $0, count: 1), offset: Int64(offset), timestamp: nil)
            }
        }
        finish(batch, PartitionKey(topic: "t", partition: 0))
        for (row, value) in values.enumerated() {
            unsafe batch.columns[0].integers[row] = value ?? 0
            unsafe batch.columns[0].valid[row] = value == nil ? 0 : 1
        }
        batch.fillHashes(ofColumn: 0)
        var found: [Int64?: Int] = [:]
        Sample(plan: plan).makeWorker(in: StageSlot()).process(
            batch, unsafe RowSelection(rows: nil, count: batch.rowCount)
        ) { rows in
            for index in 0..<rows.count { found[values[rows[index]], default: 0] += 1 }
        }
        return found
    }

    @Test func allRecordsOfAValueAreInOrNone() {
        let values: [Int64?] =
            (0..<4_000).flatMap { user in [Int64?](repeating: Int64(user), count: 1 + user % 3) } + [nil, nil]
        let found = Self.users(SamplePlan(millionths: 25_000_000, column: 0, field: "user"), values)
        #expect((800..<1_200).contains(found.count))
        for (user, count) in found { #expect(count == user.map { 1 + Int($0 % 3) } ?? 2) }
        // A missing value is one value, not the value 0.
        let everything = Self.users(SamplePlan(millionths: 100_000_000, column: 0, field: "user"), values)
        #expect(everything[nil] == 2 && everything[0] == 1 && everything.count == 4_001)
    }

    /// Were values chosen by the very hashes that sketches count by, the sketches of a sample would be wrong by its share.
    @Test func sketchesOfASampleAreRight() {
        let plan = SamplePlan(millionths: 2_000_000, column: 0, field: "user")
        var buckets = [Int](repeating: 0, count: 16)
        for value in 0..<400_000 as Range<Int64> where plan.takes(MurmurHash3.hash(value)) {
            buckets[Int(MurmurHash3.hash(value) >> 60)] += 1
        }
        // 8,000 in all, 500 each.
        #expect(buckets.allSatisfy { (380...620).contains($0) }, "\(buckets)")
    }
}
