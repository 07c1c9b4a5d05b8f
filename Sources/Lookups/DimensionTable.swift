import Glibc
import Platform
import Sketches
import Synchronization

/// A dimension in memory, such as campaigns and their advertisers: rows by key, to be joined to records.
///
/// **Loading.** ``load(from:isCancelled:)`` reads a source once, in any order, on the calling thread. Rows go through a
/// spill file, sorted into 64 shards by the hashes of their keys; then one shard after the other is built, with the exact
/// size of its arrays, and takes the place of the one before. So a refresh needs the memory of one shard more, and not of
/// another table; and a shard whose rows are the same as before is not built at all. Reading the source again for every
/// shard was the alternative: 64 scans of a table, and no single moment at which its content was true.
///
/// Everything that can be wrong with the rows is found before the first shard is replaced, so a refresh that fails leaves
/// the table as it is. While shards are being replaced, some are of the old generation and some of the new;
/// ``DimensionSnapshot/generations`` names both.
///
/// **Memory.** A row takes its key's bytes and 6 more (4 where no field of the key is text); 4 bytes for each text
/// cell; 8 for a number or timestamp, 1 for a boolean; one bit for each cell of a column that has nulls in the shard. Texts
/// that repeat (a column has at most half as many distinct texts as rows) are kept once, in a dictionary that all shards
/// share; others lie in the shard. Rows that are valid for a time take 16 bytes more, and their keys 4. A refresh adds new
/// texts to the dictionary, and what is not used any more stays, until it may be a tenth of the table: then the next
/// refresh that changes anything makes a new one, and holds both until its end.
///
/// **Reading.** ``snapshot()`` takes a lock once, per batch; what it gives is never changed, and texts that it answers
/// live as long as it does. Any number of threads may read, and one may load.
public final class DimensionTable: Sendable {
    /// The name of the dimension, with which messages begin.
    public let name: String
    /// What it holds.
    public let schema: DimensionSchema
    private let spillDirectory: String
    private let gauge: MemoryGauge
    private let state: Mutex<State>

    private struct State {
        var shards: [Shard] = []
        var current: Generation?
        /// The generation whose shards are taking the place of those of `current`.
        var next: Generation?
        var dictionary: TextDictionary?
        /// Bytes of the dictionary's texts when it was new.
        var textBytesAtFirst = 0
        var isLoading = false
    }

    /// What a load knows of the content that it replaces; not the shards, which are to be released one by one.
    private struct Previous {
        var generation: Generation?
        /// Whether all shards are of that generation.
        var isWhole: Bool
        var dictionary: TextDictionary?
        var textBytesAtFirst: Int
        /// Of each shard.
        var digests: [UInt128]
        var rows: [Int]
    }

    /// Creates an empty table.
    /// - Parameters:
    ///   - name: what messages call it, such as the path of its node in the topology.
    ///   - schema: what it holds.
    ///   - spillDirectory: where the spill file goes while a load runs; `TMPDIR` or `/tmp` unless given. Nothing is
    ///     written there for less than a megabyte of rows.
    ///   - onMemoryChange: is told of every change of ``memoryBytes``, on any thread, and must return at once.
    public init(
        name: String, schema: DimensionSchema, spillDirectory: String? = nil,
        onMemoryChange: @escaping @Sendable (Int) -> Void = { _ in }
    ) {
        self.name = name
        self.schema = schema
        let temporary = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? ""
        self.spillDirectory = spillDirectory ?? (temporary.isEmpty ? "/tmp" : temporary)
        gauge = MemoryGauge(onMemoryChange)
        state = Mutex(State())
    }

    /// Bytes that the table and a load that is under way hold, shards included that readers have not let go of.
    public var memoryBytes: Int { gauge.bytes }

    /// The most that was held at once since the last load began.
    public var memoryBytesPeak: Int { gauge.peak }

    /// The content of the table; nil before the first load has ended.
    public var generation: Generation? { state.withLock { $0.current } }

    /// The table as it is now, for one batch; nil before the first load has ended.
    public func snapshot() -> DimensionSnapshot? {
        state.withLock { state in
            guard let current = state.current else { return nil }
            return DimensionSnapshot(
                schema: schema, shards: state.shards, generations: [current] + (state.next.map { [$0] } ?? []))
        }
    }

    // MARK: - Loading

    /// Loads the table, or refreshes it. Blocks; to be called on a thread of its own, by one at a time.
    /// - Parameters:
    ///   - source: is read from beginning to end.
    ///   - accept: is asked for its consent to a new content before anything of the old one is replaced; what it throws
    ///     ends the load.
    ///   - isCancelled: asked now and then; true ends the load.
    /// - Returns: the generation that the table holds now: the one before, read anew, if the content is the same.
    /// - Throws: ``LookupError``, and what the source throws. The table is then as it was; only where memory or disk
    ///   end in the middle of replacing shards are some of them new, and the next load makes it whole.
    @discardableResult
    public func load(
        from source: any DimensionSource, accept: (Generation) throws -> Void = { _ in },
        isCancelled: () -> Bool = { false }
    ) throws -> Generation {
        let previous = state.withLock { state -> Previous in
            precondition(!state.isLoading, "a table is loaded by one thread at a time")
            state.isLoading = true
            return Previous(
                generation: state.next ?? state.current, isWhole: state.next == nil, dictionary: state.dictionary,
                textBytesAtFirst: state.textBytesAtFirst, digests: state.shards.map(\.digest),
                rows: state.shards.map(\.rows))
        }
        defer { state.withLock { $0.isLoading = false } }
        gauge.restartPeak()
        let loaded = try read(source, isCancelled)
        let digest = loaded.digest
        let isSame = previous.isWhole && previous.generation?.digest == digest
        let number = previous.generation.map { isSame ? $0.number : $0.number + 1 } ?? 1
        let generation = Generation(
            number: number, digest: digest, rows: loaded.rows, rowsIgnored: loaded.rowsIgnored,
            loadedAt: Generation.now())
        if !isSame { try accept(generation) }
        if !isSame { try replace(previous, by: loaded, generation, isCancelled) }
        state.withLock { state in
            state.current = generation
            state.next = nil
        }
        return generation
    }

    private func read(_ source: any DimensionSource, _ isCancelled: () -> Bool) throws -> LoadedRows {
        var loaded = LoadedRows(schema, name: name, spillDirectory: spillDirectory, gauge)
        var count = 0
        try source.read(schema.fields) { row in
            if count % LookupLimits.rowsPerLook == 0, isCancelled() { throw cancelled }
            count += 1
            try loaded.add(row)
        }
        if isCancelled() { throw cancelled }
        try loaded.spill.finish()
        return loaded
    }

    private var cancelled: LookupError { LookupError(.cancelled, "\(name): the load was given up", isRetryable: true) }

    private func replace(
        _ previous: Previous, by loaded: borrowing LoadedRows, _ generation: Generation, _ isCancelled: () -> Bool
    ) throws {
        let isRefresh = !previous.digests.isEmpty
        let dictionary = keeping(previous) ?? TextDictionary(gauge)
        let isFresh = dictionary !== previous.dictionary
        let changed = (0..<LookupLimits.shards).filter {
            isFresh || !isRefresh || previous.digests[$0] != loaded.digests[$0]
                || previous.rows[$0] != loaded.spill.rows[$0]
        }
        if isRefresh {
            for shard in changed {
                if isCancelled() { throw cancelled }
                _ = try rows(of: shard, loaded)
            }
        }
        var builder = ShardBuilder(
            schema, isInterned: loaded.areRepeating, name: name,
            TextIndex(dictionary, expecting: isFresh ? loaded.distinctTexts : 0, gauge), gauge)
        var shards: [Shard] = []
        for shard in changed {
            if !isRefresh, isCancelled() { throw cancelled }
            let built = try builder.build(rows(of: shard, loaded), digest: loaded.digests[shard])
            guard isRefresh else {
                shards.append(built)
                continue
            }
            // Read anew each time, so that the one before is released here, if no reader has it.
            state.withLock { state in
                state.next = generation
                state.shards[shard] = built
            }
        }
        state.withLock { state in
            if !isRefresh { state.shards = shards }
            state.dictionary = dictionary
            if isFresh { state.textBytesAtFirst = dictionary.textBytes }
        }
    }

    private func rows(of shard: Int, _ loaded: borrowing LoadedRows) throws(LookupError) -> ShardRows {
        try ShardRows(loaded.spill.read(shard), count: loaded.spill.rows[shard], schema, name: name)
    }

    /// The dictionary of the generation before, unless too many of its texts may be of no use any more.
    private func keeping(_ previous: Previous) -> TextDictionary? {
        guard let dictionary = previous.dictionary else { return nil }
        let grown = dictionary.textBytes - previous.textBytesAtFirst
        return grown <= max(1 << 20, gauge.bytes / 10) ? dictionary : nil
    }
}
