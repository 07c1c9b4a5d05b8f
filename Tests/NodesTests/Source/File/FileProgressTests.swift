import DataflowTesting
import Logging
import Platform
import Synchronization
import Testing

@testable import Dataflow
@testable import Nodes

/// One file, batch by batch, into an engine that commits nothing: what is handed over, and where it says it stands.
@Suite struct FileProgressTests {
    /// Keeps the bytes of every batch.
    private struct Keep: Operator {
        let texts: Texts

        func makeWorker(in slot: StageSlot) -> any OperatorWorker { Worker(texts: texts) }

        final class Texts: Sendable {
            private let list = Mutex<[String]>([])
            var all: [String] { list.withLock { $0 } }
            func add(_ text: String) { list.withLock { $0.append(text) } }
        }

        final class Worker: OperatorWorker {
            let texts: Texts

            init(texts: Texts) { self.texts = texts }

            func process(_ batch: Batch, _ rows: RowSelection, _ output: (RowSelection) -> Void) {
                for message in batch.messages {
                    let bytes = unsafe UnsafeRawBufferPointer(
                        start: batch.base + Int(message.start), count: Int(message.length))
                    texts.add(unsafe String(decoding: bytes, as: UTF8.self))
                }
            }
        }
    }

    private struct Stand {
        let files: FileStand
        let texts = Keep.Texts()
        let pipeline: Pipeline
        let intake: Intake

        init(batchBytes: Int = 8_192) throws {
            files = try FileStand()
            let source = files.source("events", InputRegistry())
            let target = ModelTarget(database: files.database, seed: 1, faultPercent: 0)
            pipeline = Pipeline(
                PipelinePlan(
                    sources: [PipelinePlan.SourceNode(name: "events", source: source, child: 0, layout: BatchLayout())],
                    nodes: [PipelinePlan.Node(name: "keep", make: Keep(texts: texts), children: [], concurrency: nil)],
                    target: target,
                    settings: PipelineSettings(workers: 1, commitInterval: .seconds(60), batchBytes: batchBytes),
                    memory: MemoryAccountant(budget: 256 << 20)),
                logger: Logger(label: "test"))
            intake = Intake(pipeline: pipeline, source: 0)
        }

        /// A file that is read from a position on.
        func progress(_ text: String, from next: Int64 = 0, recordBytesMax: Int = 1 << 20) throws -> FileProgress {
            let reader = try FileReader(path: files.write("a", text))
            let claimed = try intake.claim([FilePositions.key("/a", 1)])
            try intake.begin([(claimed[0].index, next)])
            let row = ClaimedPartition(key: claimed[0].partition.key, ownerEpoch: 1, nextOffset: next, tail: nil)
            return try FileProgress(
                reader, head: FileHead(Array(text.utf8.prefix(Int(next)))), partition: claimed[0].index, claimed: row,
                recordBytesMax: recordBytesMax, memory: MemoryAccountant(budget: 1 << 20))
        }

        /// Where the engine stands in the file.
        var next: Int64? { pipeline.monitor.withLock { $0.partitions.first?.next } }
    }

    private func tail(_ text: String, from start: Int) -> Tail {
        var head = FileHead(Array(text.utf8))
        let line = Array(text.utf8.dropFirst(start).filter { $0 != UInt8(ascii: "\n") })
        return Tail(
            offset: Int64(start), timestamp: head.checksum(upTo: Int64(text.utf8.count)), checksum: Checksum.of(line))
    }

    @Test func aFileIsReadToItsEndInWholeLines() throws {
        let stand = try Stand()
        let text = (0..<20_000).map { "{\"number\":\($0)}\n" }.joined()
        let progress = try stand.progress(text)
        #expect(try progress.read(into: stand.intake) == .ended)
        #expect(stand.texts.all.count > 3)
        #expect(stand.texts.all.allSatisfy { $0.hasSuffix("\n") })
        #expect(stand.texts.all.joined() == text)
        #expect(stand.next == Int64(text.utf8.count))
        #expect(progress.reached == Int64(text.utf8.count))
        #expect(progress.tail == tail(text, from: text.utf8.count - "{\"number\":19999}\n".utf8.count))
        #expect(progress.unfinished == nil)
    }

    @Test func itGoesOnWhereItsPositionIs() throws {
        let stand = try Stand()
        let text = "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n"
        let progress = try stand.progress(text, from: 8)
        #expect(try progress.read(into: stand.intake) == .ended)
        #expect(stand.texts.all.joined() == String(text.dropFirst(8)))
        #expect(progress.tail == tail(text, from: 16), "its head is that of the whole file")
    }

    @Test func whatIsStillBeingWrittenIsLeft() throws {
        let stand = try Stand()
        let progress = try stand.progress("{\"n\":1}\n{\"n\":")
        #expect(try progress.read(into: stand.intake) == .ended)
        #expect(stand.texts.all == ["{\"n\":1}\n"])
        #expect(progress.unfinished?.start == 8)
        #expect(progress.unfinished?.bytes == 5)
        #expect(stand.next == 8)
    }

    @Test func aLastRecordThatIsWholeNeedsNoNewline() throws {
        let stand = try Stand()
        let progress = try stand.progress("{\"n\":1}\n{\"n\":2}")
        #expect(try progress.read(into: stand.intake) == .ended)
        #expect(stand.texts.all.joined() == "{\"n\":1}\n{\"n\":2}")
        #expect(stand.next == 15)
    }

    /// As much of it as makes the parser refuse it; it takes no more memory than a record.
    @Test func aLineBeyondTheLimitIsCut() throws {
        let stand = try Stand()
        let long = String(repeating: "x", count: 300_000)
        let progress = try stand.progress("1\n\(long)\n2\n", recordBytesMax: 10_000)
        #expect(try progress.read(into: stand.intake) == .ended)
        #expect(stand.texts.all == ["1\n", String(long.prefix(10_001)), "2\n"])
        #expect(stand.next == 300_005)
    }

    @Test func aRewindReadsAgain() throws {
        let stand = try Stand()
        let text = "{\"n\":1}\n{\"n\":2}\n"
        let progress = try stand.progress(text)
        #expect(try progress.read(into: stand.intake) == .ended)
        let row = ClaimedPartition(key: progress.key, ownerEpoch: 1, nextOffset: 8, tail: nil)
        try progress.rewind(to: row)
        #expect(!progress.hasEnded)
        #expect(progress.reached == 8)
        stand.pipeline.monitor.withLock { $0.partitions[0].move(to: row) }
        #expect(try progress.read(into: stand.intake) == .ended)
        #expect(stand.texts.all == [text, "{\"n\":2}\n"])
        #expect(progress.tail == tail(text, from: 8))
    }

    @Test func aFileThatIsShorterThanItsPositionIsRefused() throws {
        let stand = try Stand()
        let error = #expect(throws: SourceError.self) { try stand.progress("1\n", from: 10) }
        #expect(error?.description.contains("it ends before byte 10, where the last run stopped") == true)
    }

    @Test func whatIsLeftOutHasEnded() throws {
        let stand = try Stand()
        let progress = try stand.progress("1\n")
        progress.leaveOut()
        #expect(try progress.read(into: stand.intake) == .ended)
        #expect(stand.texts.all.isEmpty)
        #expect(progress.isLeftOut)
    }
}
